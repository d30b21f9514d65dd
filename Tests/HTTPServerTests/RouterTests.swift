internal import HTTPServer
internal import Testing

/// Routing without a socket.
struct RouterTests {
    private func ask(_ router: Router, _ method: Method, _ target: String) async throws -> (status: Int, text: String, headers: Headers) {
        let response = await router.respond(to: try #require(Request(method, target)))
        guard case .bytes(let bytes) = response.body else { return (response.status, "", response.headers) }
        return (response.status, String(decoding: bytes, as: UTF8.self), response.headers)
    }

    @Test func `static segments beat parameters, whatever was added first`() async throws {
        var router = Router()
        router.add(.get, "/plans/{id}") { .text("id " + ($0.parameters["id"] ?? "")) }
        router.add(.get, "/plans/mine") { _ in .text("mine") }
        router.add(.get, "/plans/mine/{part}/x") { .text("part " + ($0.parameters["part"] ?? "")) }
        router.add(.get, "/plans/{id}/{other}/y") { .text("\($0.parameters["id"] ?? "")+\($0.parameters["other"] ?? "")") }
        router.add(.get, "/{all...}") { .text($0.parameters.tail.joined(separator: "|")) }
        #expect(try await ask(router, .get, "/plans/mine").text == "mine")
        #expect(try await ask(router, .get, "/plans/7").text == "id 7")
        #expect(try await ask(router, .get, "/plans/7/").text == "id 7")
        #expect(try await ask(router, .get, "/plans/mine/a/x").text == "part a")
        #expect(try await ask(router, .get, "/plans/mine/a/y").text == "mine+a")
        #expect(try await ask(router, .get, "/plans/a%2Fb").text == "id a/b")
        #expect(try await ask(router, .get, "/other/a%2Fb/c").text == "other|a/b|c")
        #expect(try await ask(router, .get, "/").text == "")
    }

    @Test func `a static route of one method does not hide a parameter's of another`() async throws {
        var router = Router()
        router.add(.get, "/plans/mine") { _ in .text("mine") }
        router.add(.delete, "/plans/{id}") { .text("deleted " + ($0.parameters["id"] ?? "")) }
        #expect(try await ask(router, .delete, "/plans/mine").text == "deleted mine")
        let answer = try await ask(router, .put, "/plans/mine")
        #expect(answer.status == 405)
        #expect(answer.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS")
        #expect(try await ask(router, .put, "/plans/other").headers["Allow"] == "DELETE, OPTIONS")
        #expect(try await ask(router, .options, "/plans/mine").status == 204)
        #expect(try await ask(router, .options, "/nothing").status == 404)
        #expect(try await ask(router, .head, "/plans/mine").status == 200)
    }

    @Test func `a router is mounted under two prefixes, with its own middleware inside of the outer one`() async throws {
        var inner = Router()
        inner.use { request, next in
            var response = await next(request)
            response.headers.add("Trace", "inner")
            return response
        }
        inner.add(.get, "/plans/{id}") { .text($0.route ?? "") }
        inner.add(.get, "/") { _ in .text("root") }
        var router = Router()
        router.use { request, next in
            var response = await next(request)
            response.headers.add("Trace", "outer " + (request.route ?? "none"))
            return response
        }
        router.mount(inner, under: "/api/v1", "/api")
        router.add(.get, "/healthz") { _ in .text("ok") }
        #expect(try await ask(router, .get, "/api/v1/plans/1").text == "/api/v1/plans/{id}")
        #expect(try await ask(router, .get, "/api/plans/1").headers.all("Trace") == ["inner", "outer /api/plans/{id}"])
        #expect(try await ask(router, .get, "/api").text == "root")
        #expect(try await ask(router, .get, "/healthz").headers.all("Trace") == ["outer /healthz"])
        #expect(try await ask(router, .get, "/plans/1").headers.all("Trace") == ["outer none"])
        #expect(router.table.map(\.pattern) == ["/api/v1/plans/{id}", "/api/v1", "/api/plans/{id}", "/api", "/healthz"])
    }

    @Test func `middleware can answer instead of the handler`() async throws {
        let reached = Counter()
        var router = Router()
        router.use { request, next in
            request.headers.contains("Authorization") ? await next(request) : Problem(401, "unauthorized", "Who are you?").response
        }
        router.add(.get, "/") { _ in
            reached.add()
            return .noContent
        }
        #expect(try await ask(router, .get, "/").status == 401)
        #expect(reached.value == 0)
    }

    @Test func `what a handler throws goes to the error response`() async throws {
        struct Broken: Error {}
        var plain = Router()
        plain.add(.get, "/broken") { _ in throw Broken() }
        plain.add(.get, "/problem") { _ in throw Problem(409, "conflict", "No") }
        #expect(try await ask(plain, .get, "/broken").status == 500)
        #expect(try await ask(plain, .get, "/problem").status == 409)
        var own = Router { error, request in .text("\(request.rawPath) \(error)", status: 418) }
        own.mount(plain, under: "/x")
        let answer = try await ask(own, .get, "/x/broken")
        #expect(answer.status == 418)
        #expect(answer.text == "/x/broken Broken()")
    }

    @Test func `the same route twice stops the program`() async {
        await #expect(processExitsWith: .failure) {
            var router = Router()
            router.add(.get, "/a/{x}") { _ in .noContent }
            router.add(.get, "/a/{y}") { _ in .noContent }
        }
    }
}
