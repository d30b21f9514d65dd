internal import HTTPServer
internal import Postgres
internal import Settings
internal import Telemetry

/// `/healthz`, `/readyz` and `/metrics` of a role that has no API of its own.
struct HealthRole: Role {
    let name = "health"
    private let server: Server
    private let database: Database
    private let log: Logger

    init(_ platform: Platform, standardPort: Int) throws {
        var connection = try platform.connection("health")
        connection.statementTimeout = .seconds(2)
        let database = Database(connection, lanes: 1, name: "health")
        var settings = ServerSettings()
        settings.address = platform.settings.metrics.address
        settings.port = UInt16(platform.settings.metrics.port == 0 ? standardPort : platform.settings.metrics.port)
        settings.threads = 1
        let metrics = platform.metrics
        var router = Router()
        router.add(.get, "/healthz") { _ in .text("ok\n") }
        router.add(.get, "/readyz") { _ in
            do {
                _ = try await database.run { try $0.script("SELECT 1") }
                return .text("ready\n")
            } catch {
                return .text("the database is away\n", status: 503)
            }
        }
        router.add(.get, "/metrics") { _ in .text(metrics.prometheusText(), type: MetricRegistry.contentType) }
        let routes = router
        server = Server(settings) { await routes.respond(to: $0) }
        self.database = database
        log = platform.log
    }

    func start() throws {
        do {
            try server.start()
        } catch {
            // Metrics are worth a warning, not the work.
            log.warning("no metrics: the port cannot be used", ["error": String(describing: error)])
        }
    }

    func stop() async -> Bool {
        await server.stop(grace: .seconds(1))
        database.stop()
        return true
    }
}
