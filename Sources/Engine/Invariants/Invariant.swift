package import Postgres

/// Something that must be true of the database at every moment, and the statement that finds where it is not.
///
/// The chaos command and the tests of the life cycle ask the same invariants as `millrace audit` on a live database, so what is proved is what is watched.
package struct Invariant: Sendable {
    /// What asking costs.
    package enum Cost: String, Sendable {
        /// Reads what waits and runs, open holds, accounts: grows with the work in hand.
        case live
        /// Reads what has ended, all entries, deliveries or the audit log: grows with the history.
        case history
    }

    /// `area.what`, as `ledger.queued-waits`.
    package let name: String
    /// What must be true.
    package let sentence: String
    package let cost: Cost
    /// A breach counts only if it is still there after a while: what a rescue has not reached yet is no fault.
    package let isRepairedInTime: Bool
    let statement: Statement

    /// - Parameter statement: one row for each breach with a text column `breach`; no parameters.
    package init(_ name: String, _ sentence: String, _ cost: Cost, isRepairedInTime: Bool = false, _ statement: Statement) {
        self.name = name
        self.sentence = sentence
        self.cost = cost
        self.isRepairedInTime = isRepairedInTime
        self.statement = Statement(
            "invariant." + name, "select b.breach, count(*) over () as breaches from (\n\(statement.text)\n) b order by b.breach limit 1000")
    }

    /// How often it is broken, and where.
    package struct Finding: Sendable, Equatable {
        package var count: Int
        /// A thousand at most.
        package var breaches: [String]

        package static let none = Finding(count: 0, breaches: [])

        /// What both have seen.
        package func stillIn(_ later: Finding) -> Finding {
            let lasting = Set(later.breaches).intersection(breaches).sorted()
            return Finding(count: lasting.count, breaches: lasting)
        }
    }

    /// Looks once.
    ///
    /// In a read-only transaction of its own, so that the snapshot ends with the one statement, unless the caller is in one.
    package func look(on connection: Connection) throws -> Finding {
        if connection.isInTransaction { return try read(on: connection) }
        return try connection.transaction { connection in
            try connection.script("set transaction isolation level repeatable read, read only")
            return try read(on: connection)
        }
    }

    private func read(on connection: Connection) throws -> Finding {
        let rows = try connection.run(statement)
        return Finding(count: try rows.first?("breaches") ?? 0, breaches: try rows.map { try $0("breach") })
    }
}
