internal import Bytes
internal import Engine
internal import Lanes
internal import Postgres

/// One drain: fills the outbox while nothing else runs, then measures to the last completion, from the start of relay, worker and scheduler, or where those
/// stay up from drain to drain, from the moment in which the queue is not paused any more.
struct DrainRun {
    static let rate = Measure(key: "drain_per_second", label: "drain", unit: "jobs/s")
    static let seconds = Measure(key: "drain_seconds", label: "seconds", unit: "s", digits: 2)
    static let enqueueRate = Measure(key: "enqueue_per_second", label: "enqueue", unit: "jobs/s")
    static let enqueueWAL = Measure(key: "enqueue_wal_bytes", label: "WAL of the enqueue", unit: "B/job")

    let context: BenchContext
    let kind: String
    let jobs: Int
    /// Jobs of the same queue may be left over: the drain then ends with the last of `jobs` to enter its handler.
    var leavesRest = false
    /// Stays up; nil for one that starts with the clock.
    var standing: BenchRig?

    /// What the drain and its filling cost a job.
    func measured() throws -> Sample {
        let meter = context.meter
        let first = try meter.log()
        if standing != nil { try setPaused(true) }
        let enqueued = try context.fill(kind, jobs: jobs)
        let filled = try meter.log()
        let before = meter.processor()
        if standing != nil { try takeBack() }
        let rig = try standing ?? BenchRig(context, queue: context.queue(of: kind))
        context.tally.reset()
        let began = monotonicNanoseconds()
        if standing == nil { rig.start() } else { try setPaused(false) }
        func stop() { if standing == nil { rig.stop() } }
        do {
            try waitForHandlers()
            if !leavesRest { try waitForEnds() }
        } catch {
            stop()
            throw error
        }
        let seconds = Double(monotonicNanoseconds() - began) / 1e9
        let after = meter.processor()
        let memory = meter.memory()
        stop()
        try confirm()
        var sample = Sample()
        sample.add(Self.rate, Double(jobs) / seconds)
        sample.add(Self.seconds, seconds)
        sample.add(Self.enqueueRate, enqueued)
        sample.add(Meter.processor(before, after, jobs: jobs))
        sample.add(Meter.log(first, try standing == nil ? meter.settledLog() : meter.unsettledLog(), jobs: jobs))
        sample.add(Self.enqueueWAL, (filled.position - first.position) / Double(jobs))
        sample.add(memory)
        return sample
    }

    /// The relay may have looked before the pause and sent after it, and the worker has dropped those wake-ups; a resume would send them again, within the time
    /// that is measured.
    private func takeBack() throws {
        let statement = Statement(
            "bench.takeBack", "update outbox set sent_at = null, publish = default where queue = $1 and sent_at is not null")
        try context.connection.run(statement, context.queue(of: kind))
    }

    /// Not as an operator does it: a resumed queue's wake-ups are looked for and sent again, and there are none.
    private func setPaused(_ paused: Bool) throws {
        let statement = Statement(
            "bench.pause",
            """
            insert into queue_controls (queue, paused, changed_at) values ($1, $2, now())
            on conflict (queue) do update set paused = excluded.paused, changed_at = now()
            """)
        try context.connection.run(statement, context.queue(of: kind), paused)
        try context.connection.notify(RelayBell.channel)
    }

    private func waitForHandlers() throws {
        var (count, since) = (0, ContinuousClock.now)
        while true {
            let now = context.tally.count
            if now >= jobs { return }
            if now > count { (count, since) = (now, .now) }
            if ContinuousClock.now - since > .seconds(60) {
                let left = try context.connection.run(
                    .once("select count(*) filter (where sent_at is null) as waiting, count(sent_at) as sent from outbox where kind = $1"), kind
                ).only()
                let (waiting, sent): (Int, Int) = (try left("waiting"), try left("sent"))
                throw CommandFailure(
                    .failure, "no job has started for 60 s; \(count) of \(jobs) had, \(waiting) wait to be sent, \(sent) were sent and not claimed")
            }
            pause(.milliseconds(2))
        }
    }

    private func waitForEnds() throws {
        let recent = context.tally.recent
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            let remains: Bool = try context.connection.run(
                Statement("bench.remains", "select exists (select from jobs where id = any($1)) as remains"), recent
            ).only()("remains")
            if !remains { return }
            pause(.milliseconds(1))
        }
        throw CommandFailure(.failure, "jobs that had started have not ended for 60 s")
    }

    /// Proves the end after the clock has stopped: a job that ran twice would have let the count be reached too early.
    private func confirm() throws {
        guard !leavesRest else { return }
        // A backlog that is due tomorrow is none of this drain's; a retry is due within a minute.
        let left: Int = try context.connection.run(
            .once("select count(*) as n from jobs where kind = $1 and run_at < now() + interval '1 hour'"), kind
        ).only()("n")
        if left > 0 { throw CommandFailure(.failure, "the ledger is not empty: \(left) jobs are left, so this drain counts for nothing") }
    }
}
