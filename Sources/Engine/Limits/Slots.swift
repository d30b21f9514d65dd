internal import Bytes
internal import Postgres

/// Limits of atomic kinds: a slot of a key is an advisory lock that goes with the transaction of the run, however that ends.
///
/// One transaction runs its jobs one after the other, so all its jobs of a key share a slot. Whoever parks a job looks once more after his commit whether a
/// slot is free, and whoever gave a slot back lets parked jobs through after his: either the one that parks finds the slot free, or the one that holds it finds
/// the job parked. What a crash between a commit and the look leaves parked is found by the maintenance.
struct Slots {
    let ledger: Ledger

    /// What a batch's transaction did with its keys.
    struct Use {
        /// Keys of which it held a slot.
        var held: [String] = []
        /// Keys of which it parked jobs.
        var parked: [String] = []

        var isEmpty: Bool { held.isEmpty && parked.isEmpty }
    }

    /// Of the rows of a claim of atomic jobs those that may run in this transaction; the others are parked.
    func admit(_ selection: Claim.Selection, areSuspects: Bool, use: inout Use, on connection: Connection) throws -> [Identifier] {
        guard !selection.limited.isEmpty else { return selection.claimable }
        let keys = Set(selection.limited.map(\.key)).sorted()
        var full: Set<String> = []
        // A kind that has lost its limit, or has become atomic, has as many slots as there are workers.
        let slots = keys.map { LimitTerms($0, in: ledger.catalog).concurrency ?? 10_000 }
        for row in try connection.run(SQL.Limits.takeSlots, keys, slots) where try !(row("taken") as Bool) { full.insert(try row("key")) }
        use.held = keys.filter { !full.contains($0) }
        guard !full.isEmpty else { return selection.claimable }
        let parked = selection.limited.filter { full.contains($0.key) }.map(\.id)
        if areSuspects { _ = try connection.run(SQL.Claim.uncountDeaths, parked) }
        _ = try connection.run(SQL.Limits.park, parked)
        use.parked = full.sorted()
        let outside = Set(parked)
        return selection.claimable.filter { !outside.contains($0) }
    }

    /// After the transaction has ended, in whichever way.
    func look(_ use: Use, on connection: Connection) throws {
        if !use.held.isEmpty {
            let moved = try connection.run(SQL.Limits.letIntoSlots, use.held, use.held.map { Int32(batch(of: $0)) }).affected
            if moved > 0 { ledger.bell?.ring() }
        }
        try letIntoFree(use.parked, on: connection)
    }

    /// Lets parked jobs through where a slot is free at this moment.
    func letIntoFree(_ keys: [String], on connection: Connection) throws {
        guard !keys.isEmpty else { return }
        let slots = keys.map { LimitTerms($0, in: ledger.catalog).concurrency ?? 10_000 }
        let moved = try connection.run(SQL.Limits.letIntoFreeSlots, keys, keys.map { Int32(batch(of: $0)) }, slots).affected
        if moved > 0, let bell = ledger.bell { connection.afterCommit { bell.ring() } }
    }

    private func batch(of key: String) -> Int {
        ledger.catalog.limits(ofKey: key).flatMap { ledger.catalog.queues[$0.definition.queue]?.batch } ?? 32
    }
}
