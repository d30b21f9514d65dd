internal import Bytes
internal import Clocks
internal import JSON
internal import Lanes
internal import Postgres
internal import Telemetry

/// Runs atomic jobs: claim, effects, completion and follow-up jobs of a batch are one transaction.
///
/// Each handler runs in a savepoint, so a failure undoes its own effects and is recorded in the same transaction. The jobs are sorted by account, so
/// that two batches lock wallets in the same order. A batch whose transaction fails is run again one by one; and what fails alone, at its commit or by
/// taking the connection with it, is recorded as failed in a transaction of its own, or it would be tried for ever.
struct AtomicBatch {
    var core: WorkerCore

    /// Runs the jobs of these wake-ups.
    ///
    /// - Returns: the suspects among them; all others are settled or not ours to claim, so their messages may be acked.
    /// - Throws: when the database is away; nothing is lost then, call again.
    func run(_ requests: [ClaimRequest], lane: WorkLane) throws -> [ClaimRequest] {
        guard requests.count > 1 else { return try requests.flatMap { try runSingly($0, allowingSuspects: false, lane: lane) } }
        do {
            return try runOnce(requests, allowingSuspects: false, lane: lane)
        } catch {
            core.log.warning("batch failed, its jobs run one by one", ["count": "\(requests.count)", "error": String(describing: error)])
            var rest = requests
            if let broken = error as? BrokenRun, broken.wasBrokenOff {
                // It need not run into its timeout once more to be known.
                try record(broken, lane: lane)
                rest.removeAll { $0.id == broken.id }
            }
            return try runOneByOne(rest, lane: lane)
        }
    }

    private func runOneByOne(_ requests: [ClaimRequest], lane: WorkLane) throws -> [ClaimRequest] {
        var suspects: [ClaimRequest] = []
        for (index, request) in requests.enumerated() {
            if core.running.isStopping {
                // The grace period is over: each would be broken off as soon as it began, on a connection of its own.
                let rest = requests[index...]
                _ = try lane.connection().run(SQL.Claim.giveBack, rest.map(\.id), rest.map(\.publish))
                break
            }
            suspects += try runSingly(request, allowingSuspects: false, lane: lane)
        }
        return suspects
    }

    /// Runs a suspect that has the process to itself; or buries it, when too many have died of it.
    ///
    /// The death that this run may cause is on record already.
    func runAlone(_ request: ClaimRequest, deaths: Int, lane: WorkLane) throws {
        if deaths > WorkerCore.deathsAlone {
            try record(.poison, request, isCounted: true, lane: lane)
        } else {
            _ = try runSingly(request, allowingSuspects: true, lane: lane)
        }
    }

    private func runSingly(_ request: ClaimRequest, allowingSuspects: Bool, lane: WorkLane) throws -> [ClaimRequest] {
        var losses = 0
        while true {
            do {
                // The server may not have noticed yet that our last session is gone, and that its locks are free.
                return try runOnce([request], allowingSuspects: allowingSuspects, waits: losses > 0, lane: lane)
            } catch let broken as BrokenRun {
                losses += 1
                // The server may have gone away just then, once or twice; a job in whose hands each connection breaks is a failing job.
                guard broken.wasBrokenOff || losses == 3 else { continue }
                try record(broken, lane: lane)
                return []
            } catch let error as PostgresError where error.isTransient || error.isConnectionLoss {
                throw error
            } catch {
                try record(JobError(error), request, isCounted: allowingSuspects, lane: lane)
                return []
            }
        }
    }

    private func runOnce(_ requests: [ClaimRequest], allowingSuspects: Bool, waits: Bool = false, lane: WorkLane) throws -> [ClaimRequest] {
        let connection = try lane.connection()
        let slots = Slots(ledger: core.ledger)
        var use = Slots.Use()
        defer {
            // What cannot be looked at now is found by the maintenance.
            if !use.isEmpty { try? slots.look(use, on: lane.connection()) }
        }
        do {
            return try connection.transaction { connection in
                var (jobs, rest) =
                    allowingSuspects || waits
                    ? ([], requests)
                    : try Claim.takeAtOnce(requests, on: connection) { ids, numbers in
                        try connection.run(SQL.Claim.takeAtomicAtOnce, ids, numbers).map { try ClaimedJob($0, leasedBy: nil) }
                    }
                var suspects: Set<Identifier> = []
                if !rest.isEmpty {
                    let selection =
                        allowingSuspects
                        ? try Claim.selectCounted(rest, on: connection)
                        : try Claim.select(rest, allowingSuspects: false, waits: waits, on: connection)
                    try jobs += take(slots.admit(selection, areSuspects: allowingSuspects, use: &use, on: connection), on: connection)
                    suspects = Set(selection.suspects)
                }
                try perform(jobs, on: connection)
                return rest.filter { suspects.contains($0.id) }
            }
        } catch let broken as BrokenRun {
            // A cancel that is still on its way to the server must not hit the next job's statement.
            lane.drop()
            throw broken
        }
    }

    private func perform(_ jobs: [ClaimedJob], on connection: Connection) throws {
        guard !jobs.isEmpty else { return }
        let now = Instant.now
        let jobs = jobs.sorted { ($0.accountID ?? .zero, $0.id) < ($1.accountID ?? .zero, $1.id) }
        let canceller = try connection.cancelHandle()
        var ends: [(job: ClaimedJob, end: LifeCycle<SystemRandomNumberGenerator>.End)] = []
        for job in jobs { ends.append((job, try end(of: job, now: now, canceller: canceller, on: connection))) }
        // A cancel that came meanwhile beats everything but completion.
        let open: [Identifier] = ends.compactMap { if case .done = $0.end { nil } else { $0.job.id } }
        let cancelled: [Identifier] = open.isEmpty ? [] : try connection.run(SQL.Settle.cancelSignals, open).map { try $0("job_id") }
        try core.settle(ends.map { ($0.job, $0.end, cancelled.contains($0.job.id)) }, on: connection)
    }

    /// Runs one handler in a savepoint.
    ///
    /// - Throws: `BrokenRun` when the whole transaction is lost with it.
    private func end(
        of job: ClaimedJob, now: Instant, canceller: CancelHandle, on connection: Connection
    ) throws -> LifeCycle<SystemRandomNumberGenerator>.End {
        if job.cancelled { return .withdrawn }
        if let fault = job.payloadFault { return .failed(JobError(.invalid, code: "invalid_payload", fault)) }
        guard case .atomic(let run) = core.handlers[job.kind]?.run else { return .failed(.unknownKind(job.kind)) }
        let began = monotonicNanoseconds()
        defer { core.metrics.observe(kind: job.kind, nanoseconds: monotonicNanoseconds() - began) }
        let timeout = core.ledger.catalog.jobs[job.kind]?.timeout ?? .seconds(30)
        let (deadline, overflow) = began.addingReportingOverflow(timeout.nanoseconds)
        let number = core.running.begin(job.id, isLeased: false, deadline: overflow ? .max : deadline) {
            // Cancelling connects to the server and blocks; the thread that asks for it keeps the worker's heartbeat.
            _ = Thread("cancel") { try? canceller.cancel() }
        }
        do {
            let context = AtomicContext(job: job, connection: connection, ledger: core.ledger, log: core.log, now: now)
            let outcome = try connection.savepoint {
                let outcome = try run(job.payload, context)
                try outcome.effects?(connection)
                return outcome
            }
            if let reason = core.running.end(number) {
                throw BrokenRun(id: job.id, attempt: job.attempt, error: JobError(reason, CancellationError()), wasBrokenOff: true)
            }
            switch outcome.kind {
            case .done(let value): return .done(value)
            case .snooze(let duration): return .snooze(duration)
            }
        } catch let broken as BrokenRun {
            throw broken
        } catch {
            if let reason = core.running.end(number) {
                throw BrokenRun(id: job.id, attempt: job.attempt, error: JobError(reason, error), wasBrokenOff: true)
            }
            guard connection.isUsable else { throw BrokenRun(id: job.id, attempt: job.attempt, error: JobError(error), wasBrokenOff: false) }
            return .failed(JobError(error))
        }
    }

    /// Records a failure that could not be recorded in the transaction of its run, without running anything.
    private func record(_ error: JobError, _ request: ClaimRequest, isCounted: Bool, lane: WorkLane) throws {
        try record(error, of: request.id, lane: lane) { connection in
            let selection =
                isCounted ? try Claim.selectCounted([request], on: connection) : try Claim.select([request], allowingSuspects: true, on: connection)
            return try take(selection.claimable, on: connection)
        }
    }

    /// Records the end of a run that took its transaction with it.
    ///
    /// Between the two, the row was free: it may have a new wake-up, or a pause may have come, and the run has failed all the same; but where another
    /// run has ended meanwhile, that one's end stands.
    private func record(_ broken: BrokenRun, lane: WorkLane) throws {
        try record(broken.error, of: broken.id, lane: lane) { connection in
            try take(Claim.lock([broken.id], on: connection), on: connection).filter { $0.attempt == broken.attempt }
        }
    }

    private func record(_ error: JobError, of id: Identifier, lane: WorkLane, taking: (Connection) throws -> [ClaimedJob]) throws {
        do {
            try lane.connection().transaction { connection in
                let jobs = try taking(connection)
                if jobs.isEmpty { throw NothingToRecord() }
                try core.settle(jobs.map { ($0, $0.cancelled ? .withdrawn : .failed(error), $0.cancelled) }, on: connection)
            }
        } catch is NothingToRecord {
            return
        } catch let failure as PostgresError where failure.kind == .lockTimeout {
            // Another run has begun already, on another wake-up of the job; its end will be the job's.
            return
        } catch let failure as PostgresError where failure.isTransient || failure.isConnectionLoss {
            throw failure
        } catch let failure {
            // Not even its failure can be written. The wake-up comes again, later and later; what waits behind it must not wait for that.
            core.log.error(
                "the end of a job could not be written", ["job": id.text("job"), "end": error.description, "error": String(describing: failure)])
        }
    }

    private func take(_ ids: [Identifier], on connection: Connection) throws -> [ClaimedJob] {
        guard !ids.isEmpty else { return [] }
        return try connection.run(SQL.Claim.takeAtomic, ids).map { try ClaimedJob($0, leasedBy: nil) }
    }
}

/// The row is another's by now; what was taken from the outbox for the look goes back.
private struct NothingToRecord: Error {}

/// A handler's run that took its whole transaction with it.
struct BrokenRun: Error, CustomStringConvertible {
    var id: Identifier
    var attempt: Int
    var error: JobError
    /// By its own worker: a timeout, or the end of the grace period.
    var wasBrokenOff: Bool

    var description: String { "\(id.text("job")): \(error)" }
}

extension JobError {
    static var poison: JobError {
        JobError(.permanent, code: "poison", "its worker died \(WorkerCore.deathsAlone) times while this job ran alone")
    }
}
