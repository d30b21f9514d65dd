import Bytes
import Clocks
import Faults
import JSON
internal import TestSupport
import Testing

@testable import Engine

/// The rules of the life cycle, without a database.
struct LifeCycleTests {
    private let definition: JobDefinition
    private let now = Instant(seconds: 1_800_000_000)
    private let worker = Identifier.next()

    init() throws {
        let kind = TestKinds.kind("test.job", style: "leased", attempts: 5, backoff: #"{ "base": "1s", "cap": "8s" }"#)
        definition = try #require(Catalog(jobs: [kind], queues: [TestKinds.queue("fast")]).jobs["test.job"])
    }

    private func job(attempt: Int = 1, leased: Bool = true, suspect: Bool = false, deaths: Int = 0) -> ClaimedJob {
        ClaimedJob(
            id: .next(), kind: "test.job", queue: "fast", accountID: nil, actorID: nil, createdAt: now, runAt: now, attempt: attempt, maxAttempts: 5,
            payload: [:], checkpoint: nil, trace: nil, lease: leased ? Lease(claim: 7, run: 0, worker: worker) : nil, deaths: deaths,
            suspect: suspect, cancelled: false, startedAt: now, limitKey: nil, payloadFault: nil)
    }

    private typealias Rules = LifeCycle<SeededGenerator>

    private func transition(_ job: ClaimedJob, _ end: LifeCycle<SeededGenerator>.End, cancelled: Bool = false, seed: UInt64 = 1)
        -> LifeCycle<SeededGenerator>.Transition
    {
        var rules = LifeCycle(random: SeededGenerator(seed: seed))
        return rules.transition(of: job, definition: definition, end: end, cancelled: cancelled, worker: worker, now: now)
    }

    private static func failed(_ disposition: JobError.Disposition) -> LifeCycle<SeededGenerator>.End {
        .failed(JobError(disposition, code: "code", "message"))
    }

    /// Every end, by name.
    private static let ends: [(name: String, end: LifeCycle<SeededGenerator>.End)] = [
        ("done", .done("result")), ("withdrawn", .withdrawn), ("snooze", .snooze(.seconds(30))), ("transient", failed(.transient)),
        ("throttled", failed(.throttled(after: .seconds(100)))), ("interrupted", failed(.interrupted)), ("permanent", failed(.permanent)),
        ("invalid", failed(.invalid)),
    ]

    @Test func `every end of every run becomes what the table says`() throws {
        for seed in SeededGenerator.seedOfThisRun..<SeededGenerator.seedOfThisRun + 50 {
            for (name, end) in Self.ends {
                for cancelled in [false, true] {
                    for attempt in 1...5 {
                        for suspect in [false, true] {
                            let job = job(attempt: attempt, leased: attempt.isMultiple(of: 2), suspect: suspect, deaths: suspect ? 2 : 0)
                            try check(transition(job, end, cancelled: cancelled, seed: seed), of: job, name, cancelled: cancelled)
                        }
                    }
                }
            }
        }
    }

    private func check(_ transition: LifeCycle<SeededGenerator>.Transition, of job: ClaimedJob, _ end: String, cancelled: Bool) throws {
        let state: JobState? =
            switch end {
            // Completion beats cancel, and so does death: neither is a run that would go on.
            case "done": .completed
            case "permanent", "invalid": .dead
            case "withdrawn": .cancelled
            case _ where cancelled: .cancelled
            case "transient" where job.attempt == 5, "throttled" where job.attempt == 5: .dead
            default: nil
            }
        switch transition {
        case .finish(let finish):
            #expect(finish.state == state, "\(end), cancelled \(cancelled), attempt \(job.attempt)")
            #expect(finish.id == job.id)
            #expect(finish.retentionDays == 1)
            #expect(finish.attempt == (end == "withdrawn" ? job.attempt - 1 : job.attempt))
            #expect((finish.errorCode == nil) == (state == .completed))
            #expect((finish.result == nil) == (state != .completed))
            // Every attempt that failed is in the history; what never began, or came to a good end, is none.
            #expect((finish.entry == nil) == ["done", "withdrawn", "snooze"].contains(end))
        case .requeue(let requeue):
            #expect(state == nil, "\(end), cancelled \(cancelled), attempt \(job.attempt)")
            let spent = end == "transient" || end == "throttled"
            #expect(requeue.attempt == (spent ? job.attempt : job.attempt - 1))
            let delay = requeue.runAt - now
            switch end {
            case "snooze": #expect(delay == .seconds(30))
            case "interrupted": #expect(delay == .zero)
            case "throttled": #expect(delay == .seconds(100))
            default: #expect(definition.backoff.range(afterAttempt: job.attempt).contains(delay))
            }
            // Only a run that was broken off leaves a suspicion as it was.
            #expect(requeue.suspect == (end == "interrupted" && job.suspect))
            #expect(requeue.deaths == (end == "interrupted" && job.suspect ? 1 : 0))
            #expect((requeue.entry == nil) == (end == "snooze"))
        }
    }

    @Test func `full jitter spreads the retries over the whole range`() throws {
        var delays: [Duration] = []
        for seed in 0..<400 as Range<UInt64> {
            if case .requeue(let requeue) = transition(job(attempt: 3), Self.failed(.transient), seed: seed) { delays.append(requeue.runAt - now) }
        }
        #expect(delays.count == 400)
        #expect(try #require(delays.min()) < .milliseconds(200))
        #expect(try #require(delays.max()) > .milliseconds(3800))
        #expect(delays.allSatisfy { $0 <= .seconds(4) })
    }

    @Test func `a kind that is gone from the catalog still ends`() {
        var rules = LifeCycle(random: SeededGenerator(seed: 1))
        let end = rules.transition(of: job(), definition: nil, end: Self.failed(.transient), cancelled: false, worker: worker, now: now)
        guard case .requeue(let requeue) = end else {
            Issue.record("it is tried again")
            return
        }
        #expect(requeue.runAt == now + .seconds(60))
    }
}

/// What is in hand in a process.
struct RunningJobsTests {
    private final class Cancels: Sendable {
        private let tally = Tally()
        func cancel(_ name: String) -> @Sendable () -> Void { { [tally] in tally.add(name) } }
        subscript(_ name: String) -> Int { tally[name] }
    }

    private func begin(_ jobs: RunningJobs, _ id: Identifier, leased: Bool = true, deadline: Int64 = .max, _ cancel: @escaping @Sendable () -> Void)
        -> Int
    {
        jobs.begin(id, isLeased: leased, deadline: deadline, cancel: cancel)
    }

    @Test func `a run is broken off once, for the first reason`() {
        let (jobs, cancels, id) = (RunningJobs(), Cancels(), Identifier.next())
        let run = begin(jobs, id, cancels.cancel("a"))
        jobs.cancel([id])
        jobs.loseLeases()
        #expect(cancels["a"] == 1)
        #expect(jobs.end(run) == .cancelled)
        #expect(jobs.end(run) == nil)
    }

    @Test func `two runs of one job are two runs`() {
        let (jobs, cancels, id) = (RunningJobs(), Cancels(), Identifier.next())
        let first = begin(jobs, id, cancels.cancel("first"))
        jobs.loseLeases()
        let second = begin(jobs, id, cancels.cancel("second"))
        // The end of the first one must not make the second one deaf.
        #expect(jobs.end(first) == .leaseLost)
        jobs.cancel([id])
        #expect(cancels["second"] == 1)
        #expect(jobs.end(second) == .cancelled)
    }

    @Test func `an atomic run knows neither cancels nor leases`() {
        let (jobs, cancels, id) = (RunningJobs(), Cancels(), Identifier.next())
        let run = begin(jobs, id, leased: false, cancels.cancel("a"))
        jobs.cancel([id])
        jobs.loseLeases()
        #expect(jobs.leasedIDs.isEmpty)
        #expect(jobs.end(run) == nil)
        #expect(cancels["a"] == 0)
    }

    @Test func `a run over its deadline is broken off, and one that does not end then is stuck`() {
        let (jobs, cancels) = (RunningJobs(), Cancels())
        let start = monotonicNanoseconds()
        let run = begin(jobs, .next(), deadline: start + 1000, cancels.cancel("late"))
        _ = begin(jobs, .next(), cancels.cancel("other"))
        #expect(!jobs.breakOffLate(now: start, patience: .seconds(30)))
        #expect(cancels["late"] == 0)
        #expect(!jobs.breakOffLate(now: start + 1000, patience: .seconds(30)))
        #expect(cancels["late"] == 1)
        #expect(jobs.breakOffLate(now: monotonicNanoseconds() + 31_000_000_000, patience: .seconds(30)))
        #expect(jobs.end(run) == .timedOut)
        #expect(!jobs.breakOffLate(now: monotonicNanoseconds() + 31_000_000_000, patience: .seconds(30)))
        #expect(cancels["other"] == 0)
    }

    @Test func `after the grace period what begins is broken off at once`() {
        let (jobs, cancels) = (RunningJobs(), Cancels())
        let early = begin(jobs, .next(), leased: false, cancels.cancel("early"))
        jobs.stop()
        let late = begin(jobs, .next(), cancels.cancel("late"))
        #expect((cancels["early"], cancels["late"]) == (1, 1))
        #expect(jobs.end(early) == .stopping)
        #expect(jobs.end(late) == .stopping)
    }
}
