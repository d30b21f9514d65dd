package import Business
package import HTTPClient
package import HTTPServer
internal import Lanes
package import Postgres
package import Telemetry

/// The HTTP API: a server whose routes, checks and rights to come in follow from `docs/openapi.json`.
///
/// It holds nothing between requests but its database lanes: any number of processes serve the same clients, behind any proxy. Nothing slow happens
/// inside a request; what is slow is a job, and the answer is 202.
package final class APIService: Sendable {
    /// Where the operations of the description answer.
    static let prefixes = ["/api/v1", "/api"]

    private let context: APIContext
    private let server: Server
    private let health: Health

    /// Makes a service that is not started yet.
    ///
    /// - Parameters:
    ///   - database: the lanes on which requests run.
    ///   - http: judges the URLs of webhooks.
    ///   - extend: adds routes of its own, such as the dashboards' files; nothing below `/api`.
    package init(
        _ settings: APISettings, business: Business, database: Database, http: HTTPClient, log: Logger, metrics: MetricRegistry,
        extend: (inout Router) -> Void = { _ in }
    ) {
        let contract = Contract.embedded
        let log = log.named("api")
        let events = EventHub(business, database.settings, interval: settings.eventInterval, log: log)
        let context = APIContext(
            settings: settings, business: business, database: database, http: http, clientAddress: ClientAddress(trusted: settings.trustedProxies),
            origins: OriginCheck(named: settings.origins, publicURL: settings.publicURL), contract: contract, events: events, log: log,
            metrics: metrics,
            hashing: LanePool("password", count: 2) { _ in () })
        let health = Health(database.settings, metrics, context.clientAddress)
        let router = Self.router(context, health, extend)
        self.health = health
        let requests = RequestMetrics(contract, metrics, log: log)
        self.context = context
        server = Server(settings.server, onFinished: { requests.finished($0) }) { await router.respond(to: $0) }
        metrics.gauge("millrace_http_event_streams", "Open streams of events.") { Double(events.count) }
        let server = server
        metrics.gauge("millrace_http_connections", "Open connections.") { [weak server] in Double(server?.connectionCount ?? 0) }
    }

    /// The port that it listens on; 0 before it was started.
    package var port: UInt16 { server.port }

    /// Listens.
    package func start() throws(HTTPServerError) { try server.start() }

    /// Stops: takes nothing new, ends the streams, lets requests in hand finish for up to `grace`.
    package func stop(grace: Duration = .seconds(10)) async {
        context.events.stop()
        await server.stop(grace: grace)
        context.hashing.stop()
        health.stop()
    }

    private static func router(_ context: APIContext, _ health: Health, _ extend: (inout Router) -> Void) -> Router {
        let security = SecurityHeaders(isSecure: context.settings.secureCookies)
        var router = Router { error, request in Problems.problem(of: error, request, log: context.log).response(to: request) }
        router.use { request, next in
            var response = await next(request)
            security.decorate(&response)
            context.origins.decorate(&response, for: request)
            return response
        }
        let operations = Operations.router(context)
        for prefix in prefixes { router.mount(operations, under: prefix) }
        health.add(to: &router)
        DocumentationPage(context.contract).add(to: &router)
        extend(&router)
        return router
    }
}
