package import Bytes
package import Postgres

/// What a list of jobs is narrowed to.
package struct LedgerFilter: Sendable {
    package var state: JobState?
    package var kind: String?
    package var queue: String?
    /// Jobs made before this one.
    package var before: Identifier?

    package init() {}
}

extension Ledger {
    /// Jobs of the whole platform, alive and ended, newest first: for the operator's command line.
    ///
    /// Who may see what is not decided here.
    package func list(_ filter: LedgerFilter, limit: Int, on connection: Connection) throws -> [JobRecord] {
        try connection.run(SQL.Ledger.list, filter.before, filter.state?.rawValue, filter.kind, filter.queue, limit).map { try JobRecord($0) }
    }
}
