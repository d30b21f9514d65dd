internal import Bytes
internal import Postgres

/// A claimable row whose job is under a limit.
struct LimitedRow: Sendable {
    var id: Identifier
    var key: String
    /// It was parked before, and let through.
    var isGated: Bool
    /// Minus the priority.
    var rank: Int16

    /// Who goes first where not all can: who was let through, then by priority, then by age.
    func precedes(_ other: LimitedRow) -> Bool {
        if isGated != other.isGated { return isGated }
        return (rank, id) < (other.rank, other.id)
    }
}

// Permits are taken in the claim's own transaction, with one statement for the whole batch: a rollback gives them back with everything else. A key that is
// full is skipped and its jobs parked; a key that somebody is just counting is skipped too, and its jobs come again. Nobody waits.
extension Ledger {
    /// Of the rows of a claim of leased jobs those that may begin now; the others are parked or put back.
    ///
    /// Jobs without a limit cost nothing here.
    func admit(_ selection: Claim.Selection, areSuspects: Bool, on connection: Connection) throws -> [Identifier] {
        guard !selection.limited.isEmpty else { return selection.claimable }
        let rows = Dictionary(grouping: selection.limited, by: \.key)
        let keys = rows.keys.sorted()
        let terms = keys.map { LimitTerms($0, in: catalog) }
        var grants: [String: Int] = [:]
        for row in try connection.run(
            SQL.Limits.takePermits, keys, keys.map { key in Int32(rows[key]?.count { !$0.isGated } ?? 0) },
            keys.map { key in Int32(rows[key]?.count(where: \.isGated) ?? 0) }, terms.map(\.concurrency), terms.map(\.step), terms.map(\.burst))
        {
            grants[try row("key")] = Int(try row("granted") as Int32)
        }
        var outside: Set<Identifier> = []
        var parked: [LimitedRow] = []
        var busy: [Identifier] = []
        for (key, rows) in rows {
            guard let granted = grants[key] else {
                busy += rows.map(\.id)
                continue
            }
            if granted < rows.count { parked += rows.sorted { $0.precedes($1) }.dropFirst(granted) }
        }
        outside.formUnion(busy)
        outside.formUnion(parked.map(\.id))
        guard !outside.isEmpty else { return selection.claimable }
        if areSuspects { _ = try connection.run(SQL.Limits.uncountDeaths, outside.sorted()) }
        try putBack(busy, on: connection)
        try park(parked, on: connection)
        return selection.claimable.filter { !outside.contains($0) }
    }

    private func putBack(_ ids: [Identifier], on connection: Connection) throws {
        guard !ids.isEmpty else { return }
        _ = try connection.run(SQL.Limits.putBack, ids)
        ring(connection)
    }

    /// Parks, and lets through at once what fits: under a rate the first of those that wait get their times here, and no key stays marked for nothing.
    private func park(_ rows: [LimitedRow], on connection: Connection) throws {
        guard !rows.isEmpty else { return }
        _ = try connection.run(SQL.Limits.park, rows.map(\.id))
        try letThrough(Set(rows.map(\.key)).sorted(), on: connection)
    }
}
