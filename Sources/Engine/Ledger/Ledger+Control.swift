package import Bytes
internal import JSON
package import Postgres

/// What became of a request to cancel.
package enum CancelOutcome: String, Sendable {
    /// It had not started and will not.
    case cancelled
    /// It runs, or is about to: the signal is on record; whether it or the completion wins is decided at the end of the run.
    case requested
}

extension Ledger {
    /// Cancels a job.
    ///
    /// Never waits for a running job's lock.
    ///
    /// - Throws: `LedgerError` (`notFound`, `wrongState` for a job that has ended).
    package func cancel(_ id: Identifier, actor: Identifier?, on connection: Connection) throws -> CancelOutcome {
        if let row = try connection.run(SQL.Ledger.lockForCancel, id).first {
            let gate: String? = try row("gate")
            _ = try connection.run(SQL.Ledger.deleteWaiting, id)
            let permits = try finish([.cancelled(id, by: actor, catalog: catalog, on: connection)], on: connection)
            try giveBack(permits, passing: [gate].compactMap(\.self), on: connection)
            return .cancelled
        }
        if try !connection.run(SQL.Ledger.isAlive, id).isEmpty {
            _ = try connection.run(SQL.Ledger.signalCancel, id, actor)
            return .requested
        }
        guard let job = try find(id, on: connection) else { throw LedgerError(.notFound, "there is no such job") }
        throw LedgerError(.wrongState, "the job has already ended as \(job.state.rawValue)")
    }

    /// Cancels waiting jobs whose cancel came while somebody held their row; the maintenance calls it.
    ///
    /// - Returns: how many, at most `limit`.
    func cancelSignalled(limit: Int = 500, on connection: Connection) throws -> Int {
        let rows = try connection.run(SQL.Ledger.signalledWaiting, limit)
        let ids: [Identifier] = try rows.map { try $0("job_id") }
        for id in ids { _ = try connection.run(SQL.Ledger.deleteWaiting, id) }
        let permits = try finish(ids.map { try .cancelled($0, by: nil, catalog: catalog, on: connection) }, on: connection)
        try giveBack(permits, passing: rows.compactMap { try $0("gate") as String? }, on: connection)
        return ids.count
    }

    /// Puts a dead job back to the queue with its attempts anew; its history stays on it.
    ///
    /// - Throws: `LedgerError` (`notFound`, `wrongState` for a job that is not dead or whose unique key a living twin holds).
    package func retry(_ id: Identifier, on connection: Connection) throws {
        guard try revive([id], on: connection) == 0 else { return ring(connection) }
        guard let job = try find(id, on: connection) else { throw LedgerError(.notFound, "there is no such job") }
        guard job.state == .dead else { throw LedgerError(.wrongState, "only a dead job can be retried, this one is \(job.state.rawValue)") }
        throw LedgerError(.wrongState, "another job with the same unique key is alive")
    }

    /// Puts dead jobs of a queue or a kind back, up to `limit`, in the order in which they were made.
    ///
    /// - Returns: how many were put back, and the last id looked at, from which the next call goes on; nil when there are no more.
    package func retryAll(
        queue: String?, kind: String?, after: Identifier, limit: Int = 500, on connection: Connection
    ) throws -> (revived: Int, last: Identifier?) {
        let ids: [Identifier] = try connection.run(SQL.Ledger.deadJobs, queue, kind, after, limit).map { try $0("id") }
        guard let last = ids.last else { return (0, nil) }
        let revived = try revive(ids, on: connection)
        ring(connection)
        return (revived, ids.count < limit ? nil : last)
    }

    /// Revives what has no living twin, all at once; one by one when a twin was enqueued at the same moment.
    private func revive(_ ids: [Identifier], on connection: Connection) throws -> Int {
        do {
            guard connection.isInTransaction else { return try connection.transaction { try reviveOnce(ids, on: $0) } }
            return try connection.savepoint { try reviveOnce(ids, on: connection) }
        } catch let error as PostgresError {
            guard case .uniqueViolation = error.kind else { throw error }
            return ids.count == 1 ? 0 : try ids.reduce(0) { try $0 + revive([$1], on: connection) }
        }
    }

    private func reviveOnce(_ ids: [Identifier], on connection: Connection) throws -> Int {
        let rows = try connection.run(SQL.Ledger.revive, ids)
        let limited: [Identifier] = try rows.filter { catalog.jobs[try $0("kind")]?.limits != nil }.map { try $0("job_id") }
        try setLimitKeys(of: limited, on: connection)
        return rows.count
    }

    /// Wakes the relays when the transaction has committed, or at once outside of one.
    func ring(_ connection: Connection) {
        if let bell { connection.afterCommit { bell.ring() } }
    }

    /// Pauses or resumes a queue.
    ///
    /// Running jobs go on; nothing new of it starts while it is paused.
    ///
    /// - Throws: `LedgerError` (`unknownQueue`).
    package func setPaused(_ paused: Bool, queue: String, actor: Identifier?, on connection: Connection) throws {
        guard catalog.queues[queue] != nil else { throw LedgerError(.unknownQueue, "there is no queue \"\(queue)\"") }
        _ = try connection.run(SQL.Ledger.setPaused, queue, paused, actor)
        if !paused {
            _ = try connection.run(SQL.Ledger.unsend, queue)
            ring(connection)
        }
    }

    /// The job, alive or ended; nil when there is none.
    package func find(_ id: Identifier, on connection: Connection) throws -> JobRecord? {
        try connection.run(SQL.Ledger.findJob, id).first.map { try JobRecord($0) }
    }
}
