internal import Postgres

/// For how long something is bought at once; calendar months and years, in UTC.
package enum Period: String, Sendable, Codable, CaseIterable, Hashable, PostgresEncodable, PostgresDecodable {
    case month, year

    package var months: Int {
        switch self {
        case .month: 1
        case .year: 12
        }
    }
}
