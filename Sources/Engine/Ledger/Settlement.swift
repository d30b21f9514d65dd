internal import Bytes
internal import Clocks
internal import JSON
internal import Postgres

/// A transition out of a run into an end.
struct Finish: Sendable {
    var id: Identifier
    var state: JobState
    var errorCode: String?
    var error: String?
    var result: JSONValue?
    var retentionDays: Int
    /// What is added to the job's attempt history.
    var entry: JSONValue?
    var workerID: Identifier?
    var startedAt: Instant?
    var attempt: Int
    /// The key of which the run held a permit; nobody may forget to say so.
    let permit: String?

    /// A job that had not started.
    static func cancelled(_ id: Identifier, by actor: Identifier?, catalog: Catalog, on connection: Connection) throws -> Finish {
        let row = try connection.run(SQL.Ledger.retentionOf, id).first
        let kind: String? = try row?("kind")
        return Finish(
            id: id, state: .cancelled, errorCode: "cancelled", error: "cancelled before it started",
            retentionDays: kind.flatMap { catalog.jobs[$0]?.retentionDays } ?? 30, attempt: try row?("attempt") ?? 0, permit: nil)
    }
}

extension Finish {
    /// A job that would have gone back to the queue, where a newer one with its unique key has taken its place.
    static func superseded(
        _ id: Identifier, by twin: Identifier, retentionDays: Int, entry: JSONValue?, workerID: Identifier, startedAt: Instant?, attempt: Int,
        permit: String?
    ) -> Finish {
        Finish(
            id: id, state: .cancelled, errorCode: "superseded", error: "gave way to \(twin.text("job")), a newer job with the same unique key",
            retentionDays: retentionDays, entry: entry, workerID: workerID, startedAt: startedAt, attempt: attempt, permit: permit)
    }
}

/// A transition out of a run back to the outbox.
struct Requeue: Sendable {
    var id: Identifier
    var runAt: Instant
    /// Attempts spent from now on: unchanged after a snooze or an interruption.
    var attempt: Int
    var suspect: Bool
    var deaths: Int
    var entry: JSONValue?
    /// The lane in which it goes on; nil: where it is.
    var queue: String?
    /// The key of which the run held a permit.
    let permit: String?
}

extension Ledger {
    /// Moves jobs to the history.
    ///
    /// Nothing else may hold their rows.
    ///
    /// - Returns: the permits that their runs held, to be given back as the transaction's last act.
    func finish(_ jobs: [Finish], on connection: Connection) throws -> Permits {
        _ = try move(jobs, runs: jobs.map { _ in nil }, on: connection)
        return Permits(jobs.lazy.compactMap(\.permit))
    }

    /// The same for leased runs whose numbers nobody has compared with the rows yet.
    ///
    /// - Returns: also the jobs whose rows had another run's number by now: rescued before, and not moved.
    func finish(_ jobs: [Finish], runs: [Int32], on connection: Connection) throws -> (permits: Permits, late: Set<Identifier>) {
        let moved: [Identifier] = try move(jobs, runs: runs, on: connection).map { try $0("id") }
        return (Permits(jobs.lazy.compactMap(\.permit)), moved.count == jobs.count ? [] : Set(jobs.map(\.id)).subtracting(moved))
    }

    private func move(_ jobs: [Finish], runs: [Int32?], on connection: Connection) throws -> [Row] {
        guard !jobs.isEmpty else { return [] }
        return try Array(
            connection.run(
                SQL.Settle.finish, jobs.map(\.id), jobs.map(\.state.rawValue), jobs.map(\.errorCode), jobs.map(\.error), jobs.map { $0.result?.text },
                jobs.map { Int16($0.retentionDays) }, jobs.map { $0.entry?.text }, jobs.map(\.workerID), jobs.map(\.startedAt),
                jobs.map { Int16($0.attempt) }, runs))
    }

    /// Of running jobs those whose unique key a living twin has by now, with the twin.
    func newerTwins(of ids: [Identifier], on connection: Connection) throws -> [Identifier: Identifier] {
        guard !ids.isEmpty, catalog.jobs.values.contains(where: { $0.unique != nil }) else { return [:] }
        var twins: [Identifier: Identifier] = [:]
        for row in try connection.run(SQL.Settle.newerTwins, ids) { twins[try row("id")] = try row("twin") }
        return twins
    }

    /// Puts jobs back to the outbox; those that a newer twin keeps out must not be among them.
    ///
    /// - Parameter now: by the clock that made `runAt`: only the time between the two counts.
    /// - Returns: the permits that their runs held, to be given back as the transaction's last act.
    func requeue(_ jobs: [Requeue], on connection: Connection, now: Instant) throws -> Permits {
        guard !jobs.isEmpty else { return Permits() }
        _ = try connection.run(
            SQL.Settle.requeue, jobs.map(\.id), jobs.map(\.runAt), jobs.map { Int16($0.attempt) }, jobs.map(\.suspect), jobs.map { Int16($0.deaths) },
            jobs.map { $0.entry?.text }, now, jobs.map(\.queue))
        ring(connection)
        return Permits(jobs.lazy.compactMap(\.permit))
    }
}
