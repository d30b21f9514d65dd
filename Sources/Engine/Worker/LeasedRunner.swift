internal import Bytes
internal import Clocks
internal import Lanes
internal import Postgres
internal import Synchronization
internal import Telemetry

/// Runs leased jobs: a claim commits their leases, the handler works as a Swift task, the settler writes the end.
struct LeasedRunner: Sendable {
    var core: WorkerCore
    var settler: Settler

    /// Claims of this worker that have ended, for the statement of a claim to remove.
    private struct Sweep {
        let claims: [Int64]
        /// A statement removed them; it counts when its transaction is committed.
        var isDone = false
    }

    struct Claimed: Sendable {
        /// Those that were cancelled while they waited are among them: started, they end at once.
        var jobs: [ClaimedJob] = []
        var suspects: [ClaimRequest] = []
        /// What could not be taken without a closer look.
        var rest: [ClaimRequest] = []
    }

    /// Commits leases for those of these wake-ups that need no closer look, each sort by a statement that is a transaction of its own; blocks its lane.
    ///
    /// A claim whose answer was lost is tried again, and then finds nothing: the leases that may stand all the same are the audit's.
    ///
    /// - Throws: what the first statement throws; once something is taken it is in hand, and whatever fails is left for the closer look.
    func claimAtOnce(_ requests: [ClaimRequest], lane: WorkLane) throws -> Claimed {
        let worker = core.identity.id
        var claimed = Claimed()
        for group in grouped(requests) {
            guard let way = group.way else {
                claimed.rest += group.requests
                continue
            }
            do {
                let connection = try lane.connection()
                let taken = try Claim.takeAtOnce(group.requests, on: connection) { ids, numbers in
                    try sweeping { sweep in
                        let rows =
                            switch way {
                            case .free: try connection.run(SQL.Claim.takeLeasedAtOnce, ids, worker, sweep.claims, numbers)
                            case .limited(let most): try connection.run(SQL.Claim.takeLimitedAtOnce, ids, worker, sweep.claims, numbers, most)
                            }
                        sweep.isDone = true
                        return try rows.map { try ClaimedJob($0, leasedBy: worker) }
                    }
                }
                hold(taken.jobs)
                claimed.jobs += taken.jobs
                claimed.rest += taken.rest
            } catch {
                guard !claimed.jobs.isEmpty else { throw error }
                claimed.rest += group.requests
            }
        }
        return claimed
    }

    /// Commits leases after a closer look: locks the rows, decides about each, asks the limits; blocks its lane.
    func claim(_ requests: [ClaimRequest], allowingSuspects: Bool = false, lane: WorkLane) throws -> Claimed {
        let claimed = try sweeping { sweep in
            try lane.connection().transaction { connection in
                let selection =
                    allowingSuspects
                    ? try Claim.selectCounted(requests, on: connection) : try Claim.select(requests, allowingSuspects: false, on: connection)
                let found = Set(selection.suspects)
                var claimed = Claimed(suspects: requests.filter { found.contains($0.id) })
                guard !selection.claimable.isEmpty else { return claimed }
                let admission = try core.ledger.admit(selection, areSuspects: allowingSuspects, on: connection)
                claimed.jobs = try lease(admission.admitted, sweep: &sweep, on: connection)
                try core.ledger.putAside(admission, on: connection)
                return claimed
            }
        }
        hold(claimed.jobs)
        return claimed
    }

    private func hold(_ jobs: [ClaimedJob]) { core.running.hold(jobs.compactMap(\.lease?.claim)) }

    /// Takes this worker's ended claims along, whose rows a claim removes; they are put back where it did not.
    private func sweeping<R>(_ claim: (inout Sweep) throws -> R) throws -> R {
        var sweep = Sweep(claims: core.running.takeEndedClaims())
        var isCommitted = false
        defer { if !(sweep.isDone && isCommitted) { core.running.putBackEndedClaims(sweep.claims) } }
        let result = try claim(&sweep)
        isCommitted = true
        return result
    }

    /// How a claim may take jobs without a closer look.
    private enum Way: Hashable {
        case free
        /// Under a limit of so many at once, and no other.
        case limited(Int32)

        /// The limit, or none.
        var most: Int32 {
            switch self {
            case .free: 0
            case .limited(let most): most
            }
        }
    }

    /// The requests by how they may be taken; nil: the careful way only.
    ///
    /// In one order in every claim, since each takes locks.
    private func grouped(_ requests: [ClaimRequest]) -> [(way: Way?, requests: [ClaimRequest])] {
        func way(of kind: String) -> Way? {
            guard let limits = core.ledger.catalog.jobs[kind]?.limits else { return .free }
            return limits.rate == nil ? limits.concurrency.map { .limited(Int32(clamping: $0)) } : nil
        }
        guard let first = requests.first else { return [] }
        if requests.allSatisfy({ $0.kind == first.kind }) { return [(way(of: first.kind), requests)] }
        return Dictionary(grouping: requests) { way(of: $0.kind) }.sorted { ($0.key?.most ?? .max) < ($1.key?.most ?? .max) }.map {
            ($0.key, $0.value)
        }
    }

    private func lease(_ ids: [Identifier], sweep: inout Sweep, on connection: Connection) throws -> [ClaimedJob] {
        guard !ids.isEmpty else { return [] }
        let worker = core.identity.id
        let rows = try connection.run(SQL.Claim.takeLeased, ids, worker, sweep.claims)
        sweep.isDone = true
        // Their rows are locked: only a worker without a row leaves them. The permits that were taken go back with the transaction; a second look at the worker's
        // row would be too late, it may have come meanwhile.
        guard rows.count == ids.count else { throw Unregistered() }
        return try rows.map { try ClaimedJob($0, leasedBy: worker) }
    }

    /// Ends jobs that were claimed and will not be run; blocks its lane.
    func bury(_ jobs: [ClaimedJob], error: JobError, lane: WorkLane) throws {
        try lane.connection().transaction { try core.settle(jobs.map { ($0, $0.cancelled ? .withdrawn : .failed(error), $0.cancelled) }, on: $0) }
        for lease in jobs.compactMap(\.lease) { core.running.letGo(lease.claim) }
    }

    /// Starts the job's handler; its place is left when its end is written.
    ///
    /// A job that was cancelled while it waited has come to its end.
    func start(_ job: ClaimedJob, in place: Place) {
        if job.cancelled { return write(.withdrawn, of: job, in: place) }
        let timeout = core.ledger.catalog.jobs[job.kind]?.timeout ?? .seconds(30)
        let signal = StartSignal()
        let task = Task { [self] in await perform(job, run: signal.wait(), in: place) }
        let run = core.running.begin(job.id, isLeased: true, deadline: deadline(in: timeout)) { task.cancel() }
        // The identity may have been lost between the claim and here, and then nobody told this run.
        if job.lease?.worker != core.identity.id { core.running.loseLease(of: run) }
        signal.go(run)
    }

    private func perform(_ job: ClaimedJob, run: Int, in place: Place) async {
        let began = monotonicNanoseconds()
        let (end, effects, queue) = await outcome(of: job, run: run, in: place)
        var ended = job
        if let queue, let definition = core.ledger.catalog.jobs[job.kind], ([definition.queue] + definition.lanes).contains(queue) {
            ended.next = queue
        }
        core.metrics.observe(kind: job.kind, nanoseconds: monotonicNanoseconds() - began)
        write(end, effects, of: ended, in: place)
    }

    private func write(_ end: LifeCycle<SystemRandomNumberGenerator>.End, _ effects: Effects? = nil, of job: ClaimedJob, in place: Place) {
        settler.put(
            Settler.Ended(job: job, end: end, effects: effects) { [core] isWritten in
                if isWritten, let lease = job.lease { core.running.letGo(lease.claim) }
                place.end()
            })
    }

    private func outcome(
        of job: ClaimedJob, run number: Int, in place: Place
    ) async -> (LifeCycle<SystemRandomNumberGenerator>.End, Effects?, queue: String?) {
        do {
            if let fault = job.payloadFault { throw JobError(.invalid, code: "invalid_payload", fault) }
            guard case .leased(let run) = core.handlers[job.kind]?.run else { throw JobError.unknownKind(job.kind) }
            let context = LeasedContext(job: job, database: core.database, ledger: core.ledger, log: core.log, place: place)
            let outcome = try await run(job.payload, context)
            _ = core.running.end(number)
            switch outcome.kind {
            case .done(let value): return (.done(value), outcome.effects, nil)
            case .snooze(let duration): return (.snooze(duration), outcome.effects, outcome.queue)
            }
        } catch {
            let reason = core.running.end(number)
            if let failure = error as? FailureWithEffects, reason == nil { return (.failed(failure.error), failure.effects, failure.queue) }
            return (.failed(JobError(reason, error)), nil, nil)
        }
    }

    private func deadline(in timeout: Duration) -> Int64 {
        let (deadline, overflow) = monotonicNanoseconds().addingReportingOverflow(timeout.nanoseconds)
        return overflow ? .max : deadline
    }
}

/// The worker has no identity at the moment; the claim is tried again when it has one.
struct Unregistered: Error, CustomStringConvertible {
    var description: String { "the worker is not registered" }
}

extension JobError {
    static func unknownKind(_ kind: String) -> JobError {
        JobError(.invalid, code: "unknown_kind", "this worker has no handler for the kind \(kind)")
    }

    /// What a run's error means, when it may have been broken off from outside.
    init(_ reason: RunningJobs.Reason?, _ error: any Error) {
        switch reason {
        case .timedOut: self = JobError(.transient, code: "timeout", "the run took longer than the kind's timeout")
        case .cancelled: self = JobError(.interrupted, code: "cancelled", "cancelled while it ran")
        case .stopping: self = JobError(.interrupted, code: "worker_stopping", "its worker stopped")
        case .leaseLost: self = JobError(.interrupted, code: "lease_lost", "its worker lost its lease")
        case nil: self = JobError((error as? FailureWithEffects)?.error ?? error)
        }
    }
}

/// Holds a task back until its entry among the running jobs is made, and tells it the entry's number.
private final class StartSignal: Sendable {
    private struct State {
        var run: Int?
        var waiting: CheckedContinuation<Int, Never>?
    }

    private let state = Mutex(State())

    func wait() async -> Int {
        await withCheckedContinuation { continuation in
            let run = state.withLock { state in
                if state.run == nil { state.waiting = continuation }
                return state.run
            }
            if let run { continuation.resume(returning: run) }
        }
    }

    func go(_ run: Int) {
        let waiting = state.withLock { state in
            state.run = run
            return state.waiting.take()
        }
        waiting?.resume(returning: run)
    }
}
