internal import Postgres

/// Transactions that do nothing but keep their snapshot, as a long report or a dump does: vacuum may take away nothing that they could still see.
///
/// They overlap: the first begins at once, the others spread over the age, and each that has reached it begins anew.
final class OldSnapshots {
    private struct Holder {
        var connection: Connection
        /// When it begins, and begins anew.
        var next: ContinuousClock.Instant
    }

    private let age: Duration
    private var holders: [Holder] = []

    init(_ settings: ConnectionSettings, count: Int, age: Duration) throws {
        self.age = age
        let now = ContinuousClock.now
        for index in 0..<count { holders.append(Holder(connection: try Connection(settings), next: now + age * index / count)) }
    }

    /// Renews what is due; to be called every few seconds.
    func turn() throws {
        let now = ContinuousClock.now
        for index in holders.indices where holders[index].next <= now {
            let connection = holders[index].connection
            if connection.isInTransaction { try connection.script("rollback") }
            // The first statement takes the snapshot; it locks no table.
            try connection.script("begin isolation level repeatable read; select 1")
            holders[index].next = now + age
        }
    }
}
