internal import Postgres

/// Where a plan is in its life: pending → active ⇄ suspended → expired; cancelled from anywhere before the end.
///
/// An extension brings an expired one back.
package enum PlanStatus: String, Sendable, Codable, CaseIterable, Hashable, PostgresEncodable, PostgresDecodable {
    case pending, active, suspended, expired, cancelled
}
