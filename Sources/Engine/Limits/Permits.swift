internal import Postgres

/// Keys of which leased runs have just ended.
///
/// A permit is held by a job that runs, so the end of the run gives it back by itself; what is left to do is to see who waited for it.
struct Permits: Sendable {
    private(set) var keys: Set<String>

    init(_ keys: some Sequence<String> = EmptyCollection()) { self.keys = Set(keys) }

    static func + (left: Permits, right: Permits) -> Permits { Permits(left.keys.union(right.keys)) }
}

extension Ledger {
    /// Lets parked jobs through for which there is room now.
    ///
    /// The last act of its transaction: other ends of runs with these keys wait until its commit.
    ///
    /// - Parameter passing: keys of jobs that went away on their own while they were parked or on their way from there.
    func giveBack(_ permits: Permits, passing: [String] = [], on connection: Connection) throws {
        if !permits.keys.isEmpty {
            let waiting: [String] = try connection.run(SQL.Limits.holdWaiting, permits.keys.sorted()).map { try $0("key") }
            try letThrough(waiting, on: connection)
        }
        if !passing.isEmpty { try lookAgain(Array(Set(passing)), on: connection) }
    }

    /// Lets parked jobs of these keys through as far as they fit; the caller's transaction holds the keys' counters.
    func letThrough(_ keys: [String], on connection: Connection) throws {
        guard !keys.isEmpty else { return }
        let terms = keys.map { LimitTerms($0, in: catalog) }
        let count: Int = try connection.run(
            SQL.Limits.letThrough, keys, terms.map(\.concurrency), terms.map(\.step), terms.map(\.burst)
        ).only()("count")
        if count > 0 { ring(connection) }
    }

    /// The same for a caller who holds no counter and waits for none; runs in the caller's transaction, or in one of its own.
    ///
    /// What another one holds is his to look after.
    func lookAgain(_ keys: [String], on connection: Connection) throws {
        guard connection.isInTransaction else { return try connection.transaction { try lookAgain(keys, on: $0) } }
        var leased: [String] = []
        var atomic: [String] = []
        var free: [String] = []
        for key in keys {
            switch catalog.limits(ofKey: key)?.definition.style {
            case .leased: leased.append(key)
            case .atomic: atomic.append(key)
            case nil: free.append(key)
            }
        }
        if !leased.isEmpty {
            let held: [String] = try connection.run(SQL.Limits.holdCounters, leased).map { try $0("key") }
            try letThrough(held, on: connection)
        }
        if !atomic.isEmpty || !free.isEmpty { _ = try connection.run(SQL.Limits.clearMarks, atomic + free) }
        try Slots(ledger: self).letIntoFree(atomic, on: connection)
        if !free.isEmpty, try connection.run(SQL.Limits.release, free).affected > 0 { ring(connection) }
    }
}

/// A key's limits by its kind's definition, in the units of the statements; where a key has its own, the statement knows.
struct LimitTerms {
    var concurrency: Int32?
    /// Microseconds between two tokens.
    var step: Int64?
    var burst: Int32?

    init(_ key: String, in catalog: Catalog) {
        let limits = catalog.limits(ofKey: key)?.limits
        concurrency = limits?.concurrency.map { Int32(clamping: $0) }
        step = limits?.rate?.step
        burst = limits?.rate.map { Int32(clamping: $0.burst) }
    }
}
