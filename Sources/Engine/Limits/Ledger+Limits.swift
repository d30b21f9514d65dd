internal import Bytes
internal import Clocks
package import JSON
package import Postgres

/// A key's own limit in place of its kind's; what is nil is the kind's.
package struct LimitOverride: Sendable, Hashable {
    /// Runs at the same time; 0 lets nothing of the key begin.
    package var concurrency: Int?
    /// Leased kinds only.
    package var rate: JobDefinition.Rate?

    package init(concurrency: Int? = nil, rate: JobDefinition.Rate? = nil) {
        self.concurrency = concurrency
        self.rate = rate
    }
}

/// A key under which jobs run that it does not count: there must be none.
package struct LimitDrift: Sendable, Hashable {
    package var key: String
    package var unlisted: Int
}

extension Ledger {
    /// Gives one value of a kind's limiting field a limit of its own, in the caller's transaction.
    ///
    /// Claims heed it from the commit on; what is parked under a limit that was raised is let through when the maintenance next looks at the key.
    package func setLimit(_ limit: LimitOverride, kind: String, value: JSONValue, on connection: Connection) throws {
        _ = try connection.run(
            SQL.Limits.setOverride, JobDefinition.limitKey(kind: kind, value: value), limit.concurrency.map { Int32(clamping: $0) },
            limit.rate.map { Int32(clamping: $0.count) }, limit.rate.map { $0.per.nanoseconds / 1000 }, limit.rate.map { Int32(clamping: $0.burst) })
    }

    /// The kind's limit holds again.
    package func removeLimit(kind: String, value: JSONValue, on connection: Connection) throws {
        _ = try connection.run(SQL.Limits.removeOverride, JobDefinition.limitKey(kind: kind, value: value))
    }

    /// Keys that do not count all that runs under them, at most 100: a defect, or a hand in the tables.
    package func limitDrift(on connection: Connection) throws -> [LimitDrift] {
        try connection.run(SQL.Limits.drift).map {
            LimitDrift(key: try $0("key"), unlisted: Int(try $0("unlisted") as Int32))
        }
    }

    /// Gives jobs that came back from the dead their keys by today's definitions.
    func setLimitKeys(of ids: [Identifier], on connection: Connection) throws {
        guard !ids.isEmpty else { return }
        var keys: [(id: Identifier, key: String?)] = []
        for row in try connection.run(SQL.Limits.payloads, ids) {
            let kind: String = try row("kind")
            keys.append((try row("id"), catalog.jobs[kind]?.limitKey(of: try row("payload"))))
        }
        _ = try connection.run(SQL.Limits.setKeys, keys.map(\.id), keys.map(\.key))
    }
}
