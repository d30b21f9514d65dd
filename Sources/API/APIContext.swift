internal import Business
internal import HTTPClient
internal import Lanes
internal import Postgres
internal import Telemetry

/// What handlers work with.
struct APIContext: Sendable {
    let settings: APISettings
    let business: Business
    let database: Database
    let http: HTTPClient
    let clientAddress: ClientAddress
    let origins: OriginCheck
    let contract: Contract
    let events: EventHub
    let log: Logger
    let metrics: MetricRegistry
    /// Where passwords are hashed: a quarter of a second of processor time each, which neither a database lane nor Swift's pool can spare.
    let hashing: LanePool<Void>

    /// Runs something that takes much processor time beside everything else.
    func onHashingLane<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await hashing.run { _ in try body() }
    }
}
