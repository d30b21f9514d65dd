internal import API
internal import Business
internal import Engine
internal import HTTPClient
internal import Postgres
internal import Telemetry

/// The HTTP API.
///
/// Needs no broker: it writes jobs to the outbox.
struct APIRole: Role {
    let name = "api"
    private let service: APIService
    private let bell: RelayBell
    private let http: HTTPClient
    private let database: Database

    init(_ platform: Platform) throws {
        bell = RelayBell(try platform.connection("bell"))
        http = try platform.http()
        database = try platform.database("api")
        service = try APIService(
            APISettings(platform.settings), business: platform.business(platform.ledger(bell: bell)), database: database, http: http,
            log: platform.log, metrics: platform.metrics)
    }

    func start() throws { try service.start() }

    func stop() async -> Bool {
        await service.stop()
        http.stop()
        database.stop()
        let bell = bell
        await offPool { bell.stop() }
        return true
    }
}
