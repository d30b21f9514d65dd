internal import HTTPServer
internal import JSON
internal import Postgres
internal import Telemetry

/// What those ask who watch the process: does it live, can it serve, what has it done.
///
/// `/healthz` answers as long as the process does, whatever is away: who restarts processes asks it, and a restart brings no database back. `/readyz` asks the
/// database: who spreads requests over processes asks that. `/metrics` is for loopback and private networks alone.
struct Health: Sendable {
    private let database: Database
    private let metrics: MetricRegistry
    private let clientAddress: ClientAddress

    /// On a connection of its own with short patience: when all lanes are busy the answer must not wait for one of them.
    init(_ settings: ConnectionSettings, _ metrics: MetricRegistry, _ clientAddress: ClientAddress) {
        var settings = settings
        settings.connectTimeout = .seconds(2)
        settings.statementTimeout = .seconds(2)
        database = Database(settings, lanes: 1, name: "ready")
        self.metrics = metrics
        self.clientAddress = clientAddress
    }

    func stop() { database.stop() }

    func add(to router: inout Router) {
        router.add(.get, "/healthz") { _ in .json(["status": "ok"] as JSONValue) }
        router.add(.get, "/readyz") { _ in await ready() }
        router.add(.get, "/metrics") { request in
            // A proxy in front would otherwise tell everybody.
            guard clientAddress.isInside(request) else { return Problems.nothingHere.response(to: request) }
            return .text(metrics.prometheusText(), type: MetricRegistry.contentType)
        }
    }

    private func ready() async -> Response {
        do {
            _ = try await database.run { connection in try connection.run(SQL.Health.ping).count }
            return .json(["status": "ready", "database": "ok"] as JSONValue)
        } catch {
            var response = Response.json(["status": "unavailable", "database": "unreachable"] as JSONValue, status: 503)
            response.headers["Retry-After"] = "2"
            return response
        }
    }
}
