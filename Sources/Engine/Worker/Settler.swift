internal import Bytes
internal import JSON
internal import Lanes
internal import Postgres
internal import Synchronization
internal import Telemetry

/// Writes the ends of leased runs, many in one transaction.
///
/// Each end compares its run's number under the row's lock: where the row has another by now the run was rescued, and neither its end nor its
/// database effects happen. An end is written or it is tried again, for as long as the worker lives: nobody takes a lease from a worker that lives, so an
/// end that was given up would leave its job running for ever.
final class Settler: Sendable {
    struct Ended: Sendable {
        var job: ClaimedJob
        var end: LifeCycle<SystemRandomNumberGenerator>.End
        var effects: Effects?
        /// Called after the end is written, or found to be another's to write; with false when it was given up, as the worker ends.
        var settled: @Sendable (_ isWritten: Bool) -> Void
    }

    private let core: WorkerCore
    private let pool: LanePool<WorkLane>
    private let ended = Mailbox<Ended>()
    private let scheduled = Atomic<Bool>(false)
    private let abandoned = Atomic<Bool>(false)

    init(core: WorkerCore, pool: LanePool<WorkLane>) {
        self.core = core
        self.pool = pool
    }

    func put(_ run: Ended) {
        ended.put(run)
        schedule()
    }

    /// The worker ends: what cannot be written now is left to the rescuer.
    func abandon() { abandoned.store(true, ordering: .relaxed) }

    private func schedule() {
        if !scheduled.exchange(true, ordering: .sequentiallyConsistent) {
            pool.submit { [self] lane in
                scheduled.store(false, ordering: .sequentiallyConsistent)
                let batch = ended.takeAll(limit: 60, timeout: .zero)
                // Effects take wallets' locks: in one order in every batch.
                let isWritten = write(batch.sorted { ($0.job.accountID ?? .zero, $0.job.id) < ($1.job.accountID ?? .zero, $1.job.id) }, lane: lane)
                for run in batch { run.settled(isWritten) }
                if ended.count > 0 { schedule() }
            }
        }
    }

    /// Tries until it is written: all together, then one by one, and one that fails alone in ever plainer forms.
    ///
    /// False when the worker ended before.
    private func write(_ batch: [Ended], lane: WorkLane) -> Bool {
        guard !batch.isEmpty else { return true }
        var batch = batch
        var away = 0
        var refusals = 0
        while !abandoned.load(ordering: .relaxed) {
            do {
                try write(batch, on: lane.connection())
                return true
            } catch let error as PostgresError where error.isTransient || error.isConnectionLoss {
                away += 1
                if away == 1 { core.log.warning("the database is away, ends of runs wait", ["error": String(describing: error)]) }
                pause(.milliseconds(min(50 * away, 1000)))
            } catch {
                guard batch.count == 1 else {
                    return batch.reduce(true) { write([$1], lane: lane) && $0 }
                }
                refusals += 1
                core.log.error(
                    "the end of a run could not be written",
                    [
                        "job": batch[0].job.id.text("job"), "error": String(describing: error), "refusals": "\(refusals)",
                    ])
                plainer(&batch[0], JobError(error), refusals)
                if refusals > 3 { pause(.seconds(1)) }
            }
        }
        return false
    }

    /// First as it was: a twin may have come at the same moment.
    ///
    /// Then its effects are what cannot be committed, and the run has failed. Then only that.
    private func plainer(_ run: inout Ended, _ error: JobError, _ refusals: Int) {
        if refusals == 2, run.effects != nil {
            run.effects = nil
            if case .failed = run.end {} else { run.end = .failed(error) }
        } else if refusals >= 2 {
            run.effects = nil
            run.end = .failed(JobError(.transient, code: "end_refused", "the end of the run could not be written"))
        }
    }

    /// Completion beats cancel: where all completed and want nothing else, nothing needs to be looked at before.
    private func write(_ batch: [Ended], on connection: Connection) throws {
        let completed = batch.compactMap { run -> (job: ClaimedJob, result: JSONValue?)? in
            guard case .done(let result) = run.end, run.effects == nil else { return nil }
            return (run.job, result)
        }
        if completed.count == batch.count { return try core.complete(completed, on: connection) }
        try connection.transaction { try settle(batch, on: $0) }
    }

    private func settle(_ batch: [Ended], on connection: Connection) throws {
        var locked: [Identifier: (run: Int32, cancelled: Bool)] = [:]
        for row in try connection.run(SQL.Settle.lockRuns, batch.map(\.job.id), batch.map { $0.job.lease?.run ?? -1 }) {
            locked[try row("id")] = (try row("runs"), try row("cancelled"))
        }
        let ours = batch.filter { run in
            if let lease = run.job.lease, locked[run.job.id]?.run == lease.run { return true }
            core.tellFenced(run.job)
            return false
        }
        let written = try writeGroups(of: ours, on: connection)
        try core.settle(
            ours.enumerated().map { index, run in
                let end = written.contains(index) ? run.end : try end(of: run, on: connection)
                return (run.job, end, locked[run.job.id]?.cancelled ?? false)
            }, on: connection)
    }

    /// Writes grouped effects, each group's together.
    ///
    /// - Returns: the indices of the runs whose effects are done; a group that failed as a whole is left to be done run by run.
    private func writeGroups(of runs: [Ended], on connection: Connection) throws -> Set<Int> {
        var groups: [String: (indices: [Int], items: [any Sendable], write: @Sendable ([any Sendable], Connection) throws -> Void)] = [:]
        for (index, run) in runs.enumerated() {
            guard case .grouped(let name, let item, let write) = run.effects?.form else { continue }
            groups[name, default: ([], [], write)].indices.append(index)
            groups[name]?.items.append(item)
        }
        var written: Set<Int> = []
        for (_, group) in groups.sorted(by: { $0.key < $1.key }) where group.indices.count > 1 {
            do {
                try connection.savepoint { try group.write(group.items, connection) }
                written.formUnion(group.indices)
            } catch {
                guard connection.isUsable else { throw error }
                core.log.warning("effects failed together, they are written one by one", ["error": String(describing: error)])
            }
        }
        return written
    }

    /// The end with its effects done; an effect that fails turns a success into a failed attempt.
    private func end(of run: Ended, on connection: Connection) throws -> LifeCycle<SystemRandomNumberGenerator>.End {
        guard let effects = run.effects else { return run.end }
        do {
            try connection.savepoint { try effects(connection) }
            return run.end
        } catch {
            guard connection.isUsable else { throw error }
            if case .failed = run.end { return run.end }
            return .failed(JobError(error))
        }
    }
}
