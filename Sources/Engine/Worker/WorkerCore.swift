internal import Bytes
internal import Clocks
internal import JSON
internal import Postgres
internal import Telemetry

/// What all parts of a worker share.
struct WorkerCore: Sendable {
    /// How often a worker may die while a job runs alone before the job is poison.
    static let deathsAlone = 3

    var ledger: Ledger
    var handlers: [String: JobHandler]
    var database: Database
    var identity: WorkerIdentity
    var running: RunningJobs
    var gate: SoloGate
    var metrics: WorkerMetrics
    var log: Logger
    /// Told about each dead job inside the transaction that buries it: the `job.dead` event.
    var deathNotice: (@Sendable (DeadJob, Connection) throws -> Void)?

    /// Writes the transitions of runs that ended, set-based, in the caller's transaction.
    func settle(
        _ ends: [(job: ClaimedJob, end: LifeCycle<SystemRandomNumberGenerator>.End, cancelled: Bool)], on connection: Connection
    ) throws {
        var lifeCycle = LifeCycle(random: SystemRandomNumberGenerator())
        let now = Instant.now
        var finishes: [Finish] = []
        var requeues: [Requeue] = []
        for (job, end, cancelled) in ends {
            let definition = ledger.catalog.jobs[job.kind]
            switch lifeCycle.transition(of: job, definition: definition, end: end, cancelled: cancelled, worker: identity.id, now: now) {
            case .finish(let finish): finishes.append(finish)
            case .requeue(let requeue): requeues.append(requeue)
            }
        }
        try giveWay(&requeues, &finishes, jobs: ends.map(\.job), on: connection)
        let permits = try ledger.finish(finishes, on: connection) + ledger.requeue(requeues, on: connection, now: now)
        let kinds = Dictionary(ends.map { ($0.job.id, $0.job.kind) }, uniquingKeysWith: { first, _ in first })
        let dead = finishes.filter { $0.state == .dead }
        let log = log
        let metrics = metrics
        let outcomes = finishes.map { (kinds[$0.id] ?? "", $0.state.rawValue) } + requeues.map { (kinds[$0.id] ?? "", "requeued") }
        connection.afterCommit {
            for (kind, outcome) in outcomes { metrics.count(kind: kind, outcome: outcome) }
            for job in dead {
                log.error(
                    "job is dead", ["job": job.id.text("job"), "kind": kinds[job.id] ?? "", "code": job.errorCode ?? "", "error": job.error ?? ""])
            }
        }
        for finish in dead {
            guard let job = ends.first(where: { $0.job.id == finish.id })?.job else { continue }
            try announce(job, finish, on: connection)
        }
        try ledger.giveBack(permits, on: connection)
    }

    /// Writes the ends of leased runs that completed, where nobody has looked yet whether their leases are still theirs: one statement, and where they held permits
    /// a second one in the same transaction.
    ///
    /// - Parameter connection: in no transaction.
    func complete(_ runs: [(job: ClaimedJob, result: JSONValue?)], on connection: Connection) throws {
        var lifeCycle = LifeCycle(random: SystemRandomNumberGenerator())
        let now = Instant.now
        let finishes = runs.compactMap { job, result -> Finish? in
            let transition = lifeCycle.transition(
                of: job, definition: ledger.catalog.jobs[job.kind], end: .done(result), cancelled: false, worker: identity.id, now: now)
            if case .finish(let finish) = transition { return finish }
            return nil
        }
        let numbers = runs.map { $0.job.lease?.run ?? -1 }
        func finish() throws -> Set<Identifier> {
            let (permits, late) = try ledger.finish(finishes, runs: numbers, on: connection)
            try ledger.giveBack(permits, on: connection)
            return late
        }
        let late = try runs.allSatisfy { $0.job.permit == nil } ? finish() : connection.transaction { _ in try finish() }
        for (job, _) in runs {
            if late.contains(job.id) {
                tellFenced(job)
            } else {
                metrics.count(kind: job.kind, outcome: JobState.completed.rawValue)
            }
        }
    }

    /// A run was rescued before its end was written, and the end is not.
    func tellFenced(_ job: ClaimedJob) { log.warning("a late end was fenced by the number of its run", ["job": job.id.text("job")]) }

    /// A notice that cannot be written for a lasting reason must not keep a job from its end.
    private func announce(_ job: ClaimedJob, _ finish: Finish, on connection: Connection) throws {
        guard let deathNotice else { return }
        let death = DeadJob(
            id: job.id, kind: job.kind, queue: job.queue, accountID: job.accountID, attempts: finish.attempt, errorCode: finish.errorCode ?? "",
            error: finish.error ?? "")
        do {
            try connection.savepoint { try deathNotice(death, connection) }
        } catch {
            if let error = error as? PostgresError, error.isTransient || error.isConnectionLoss { throw error }
            log.error("a death could not be announced", ["job": job.id.text("job"), "error": String(describing: error)])
        }
    }

    /// A retry that meets a newer twin gives way and says so.
    private func giveWay(_ requeues: inout [Requeue], _ finishes: inout [Finish], jobs: [ClaimedJob], on connection: Connection) throws {
        let candidates = jobs.filter { job in job.lease != nil && requeues.contains { $0.id == job.id } }
        for (id, twin) in try ledger.newerTwins(of: candidates.map(\.id), on: connection) {
            guard let job = candidates.first(where: { $0.id == id }), let index = requeues.firstIndex(where: { $0.id == id }) else { continue }
            let requeue = requeues.remove(at: index)
            finishes.append(
                .superseded(
                    id, by: twin, retentionDays: ledger.catalog.jobs[job.kind]?.retentionDays ?? 30, entry: requeue.entry,
                    workerID: job.lease?.worker ?? identity.id, startedAt: job.startedAt, attempt: job.attempt, permit: job.permit))
        }
    }
}
