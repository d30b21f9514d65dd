/// Which handler answers which request.
///
/// It is a value: filled while the program starts, then given to a server by `respond`. A router can be mounted into another below one or more
/// prefixes, with its middleware around its own routes. What a request is about is decided before the first middleware runs, so that middleware
/// knows the route's pattern, and 404 and 405 pass through it like every other answer.
package struct Router: Sendable {
    package typealias Handler = @Sendable (Request) async throws -> Response
    package typealias Next = @Sendable (Request) async -> Response
    /// Something around handlers: it looks at the request, calls `next` or answers itself, and looks at the response.
    package typealias Middleware = @Sendable (_ request: Request, _ next: Next) async -> Response
    package typealias ErrorResponse = @Sendable (any Error, Request) -> Response

    private struct Route: Sendable {
        let method: Method
        let pattern: RoutePattern
        let middleware: [Middleware]
        let handler: Handler
    }

    private var routes: [Route] = []
    private var tree = RouteTree()
    private var middleware: [Middleware] = []
    private let errorResponse: ErrorResponse

    /// Makes a router without routes.
    ///
    /// - Parameter errorResponse: turns what a handler throws into an answer; by default a `Problem` is itself, anything else is 500. Of routers
    ///   that are mounted into another, only the outermost one's is used.
    package init(errorResponse: @escaping ErrorResponse = Self.standardErrorResponse) { self.errorResponse = errorResponse }

    package static let standardErrorResponse: ErrorResponse = { error, _ in (error as? Problem ?? .internalError).response }

    /// Adds a route: `/plans/{id}`, or `/static/{path...}` for everything below.
    ///
    /// The same method and pattern a second time stops the program; so does a malformed pattern.
    package mutating func add(_ method: Method, _ pattern: String, _ handler: @escaping Handler) {
        add(Route(method: method, pattern: RoutePattern(pattern), middleware: [], handler: handler))
    }

    /// Puts middleware around all routes of this router, also those that are added later; the first that was added is the outermost.
    package mutating func use(_ middleware: @escaping Middleware) { self.middleware.append(middleware) }

    /// Adds the routes of another router below each of these prefixes: `/api/v1` and `/api`.
    package mutating func mount(_ other: Router, under prefixes: String...) {
        for prefix in prefixes {
            for route in other.routes {
                add(
                    Route(
                        method: route.method, pattern: route.pattern.under(prefix), middleware: other.middleware + route.middleware,
                        handler: route.handler))
            }
        }
    }

    /// Every route with its pattern, in the order in which they were added.
    package var table: [(method: Method, pattern: String)] { routes.map { ($0.method, $0.pattern.text) } }

    /// Answers a request; what a server calls.
    package func respond(to request: Request) async -> Response {
        var request = request
        let answer: Next
        switch tree.find(request.method, request.target.segments) {
        case .match(let match):
            let route = routes[match.route]
            request.parameters = match.parameters
            request.route = route.pattern.text
            answer = Self.chain(route.middleware, around: guarded(route.handler))
        case .otherMethods(let methods):
            answer = Self.withoutRoute(request.method, allowed: methods)
        case .nothing:
            let isForServer = request.method == .options && request.rawPath == "*"
            answer = { _ in isForServer ? .noContent : Problem.notFound.response }
        }
        var response = await Self.chain(middleware, around: answer)(request)
        response.route = request.route
        return response
    }

    private mutating func add(_ route: Route) {
        tree.add(route.method, route.pattern, route: routes.count)
        routes.append(route)
    }

    private func guarded(_ handler: @escaping Handler) -> Next {
        { [errorResponse] request in
            do {
                return try await handler(request)
            } catch {
                return errorResponse(error, request)
            }
        }
    }

    private static func chain(_ middleware: [Middleware], around last: @escaping Next) -> Next {
        middleware.reversed().reduce(last) { next, middleware in
            { request in await middleware(request, next) }
        }
    }

    private static func withoutRoute(_ method: Method, allowed: [Method]) -> Next {
        var names = allowed.map(\.text)
        if allowed.contains(.get), !allowed.contains(.head) { names.append("HEAD") }
        if !allowed.contains(.options) { names.append("OPTIONS") }
        let list = names.sorted().joined(separator: ", ")
        return { _ in
            method == .options ? Response(204, headers: ["Allow": list]) : Problem.methodNotAllowed(list).response
        }
    }
}
