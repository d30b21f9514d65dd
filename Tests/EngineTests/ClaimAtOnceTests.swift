import Bytes
import JSON
import Lanes
import Postgres
import TestSupport
import Testing

@testable import Engine

/// The usual claims and ends of leased runs: one statement each, and its own transaction.
@Suite(.database(.engine), .timeLimit(.minutes(1)))
struct ClaimAtOnceTests {
    private static let free = TestKinds.kind("test.leased", style: "leased")
    private static let limited = TestKinds.kind("test.limited", style: "leased", extra: #""limits": { "by": "key", "concurrency": 1 },"#)
    private static let unique = TestKinds.kind("test.unique", style: "leased", extra: #""unique": { "by": ["key"] },"#)

    /// A worker that is registered, and does nothing by itself.
    private struct Hand {
        let rig: EngineRig
        let core: WorkerCore
        let runner: LeasedRunner
        let lane: WorkLane

        init(_ rig: EngineRig) async throws {
            self.rig = rig
            core = WorkerCore(
                ledger: rig.ledger, handlers: [:], database: rig.database,
                identity: WorkerIdentity(
                    settings: rig.settings, role: "worker", queues: ["fast"], running: RunningJobs(), ledger: rig.ledger, log: rig.log, onStuck: {}),
                running: RunningJobs(), gate: SoloGate(), metrics: WorkerMetrics(rig.metrics, catalog: rig.catalog), log: rig.log, deathNotice: nil)
            lane = WorkLane(rig.settings)
            let settler = Settler(core: core, pool: .init("none", count: 1) { [settings = rig.settings] _ in WorkLane(settings) })
            runner = LeasedRunner(core: core, settler: settler)
            try await rig.script(
                "insert into workers (id, lock, host, process, role, queues) values ('\(core.identity.id)', 1, 'h', 1, 'w', '{fast}')")
        }

        /// What a message would speak of, as the row stands.
        func request(_ id: Identifier, kind: String) async throws -> ClaimRequest {
            try await rig.script("update outbox set sent_at = now() where job_id = '\(id)'")
            return .told(id: id, publish: try await rig.number(of: id), kind: kind)
        }
    }

    @Test func `what a claim has taken stays in hand when its next statement fails, and the others want a closer look`() async throws {
        try await EngineRig.with(kinds: [Self.free, Self.limited]) { rig in
            let hand = try await Hand(rig)
            let free = try await rig.enqueue("test.leased")
            let limited = try await rig.enqueue(LimitTests.jobs(1, "a"))[0].id
            try await rig.script("drop function take_limited")
            let requests = try await [hand.request(limited, kind: "test.limited"), hand.request(free, kind: "test.leased")]
            let claimed = try hand.runner.claimAtOnce(requests, lane: hand.lane)
            #expect(claimed.jobs.map(\.id) == [free])
            #expect(claimed.rest.map(\.id) == [limited])
            #expect(try await rig.job(free).state == .running)
            let closer = try hand.runner.claim(claimed.rest, lane: hand.lane)
            #expect(closer.jobs.map(\.id) == [limited])
        }
    }

    @Test func `rows are locked in the order of their ids, whatever the order of their wake-ups`() async throws {
        try await EngineRig.with(kinds: [Self.free]) { rig in
            let numbers: [Identifier: Int64] = [.init(high: 1, low: 2): 7, .init(high: 1, low: 1): 9, .init(high: 0, low: 3): 8]
            let requests = numbers.map { ClaimRequest.told(id: $0.key, publish: $0.value, kind: "test.leased") }.sorted { $0.id > $1.id }
            _ = try Claim.takeAtOnce(requests, on: Connection(rig.settings)) { ids, publish in
                #expect(ids == numbers.keys.sorted())
                #expect(publish == ids.map { numbers[$0] ?? 0 })
                return []
            }
        }
    }

    @Test func `the first statement's failure is the claim's`() async throws {
        try await EngineRig.with(kinds: [Self.limited]) { rig in
            let hand = try await Hand(rig)
            let request = try await hand.request(rig.enqueue(LimitTests.jobs(1, "a"))[0].id, kind: "test.limited")
            try await rig.script("drop function take_limited")
            #expect(throws: PostgresError.self) { try hand.runner.claimAtOnce([request], lane: hand.lane) }
            #expect(try await rig.value("select count(*) from claims") == 0)
        }
    }

    @Test(arguments: [true, false]) func `a key that is unique among queued jobs is free with the claim`(atOnce: Bool) async throws {
        try await EngineRig.with(kinds: [Self.unique]) { rig in
            let hand = try await Hand(rig)
            let first = try await rig.enqueue("test.unique", ["key": "a"])
            #expect(try await rig.enqueue("test.unique", ["key": "a"]) == first)
            let request = try await hand.request(first, kind: "test.unique")
            let claimed = try atOnce ? hand.runner.claimAtOnce([request], lane: hand.lane) : hand.runner.claim([request], lane: hand.lane)
            #expect(claimed.jobs.map(\.id) == [first])
            #expect(try await rig.enqueue("test.unique", ["key": "a"]) != first)
        }
    }

    @Test func `of ends that are written together a late one changes nothing, and the others are written`() async throws {
        try await EngineRig.with(kinds: [Self.free]) { rig in
            let hand = try await Hand(rig)
            var requests: [ClaimRequest] = []
            for _ in 0..<3 { requests.append(try await hand.request(rig.enqueue("test.leased"), kind: "test.leased")) }
            let jobs = try hand.runner.claimAtOnce(requests, lane: hand.lane).jobs
            try #require(jobs.count == 3)
            // It was rescued, and another worker has it by now.
            try await rig.script("update jobs set runs = runs + 1 where id = '\(jobs[1].id)'")
            try hand.core.complete(jobs.map { ($0, .string("done")) }, on: hand.lane.connection())
            #expect(try await rig.value("select count(*) from finished_jobs where state = 'completed'") == 2)
            #expect(try await rig.value("select count(*) from jobs where id = $1 and runs = 1", jobs[1].id) == 1)
            #expect(rig.metric("millrace_jobs_ended_total{kind=\"test.leased\",outcome=\"completed\"}") == 2)
        }
    }

    @Test func `a job that was cancelled while it waited is claimed and never runs`() async throws {
        let entered = Running()
        try await EngineRig.with(
            kinds: [Self.free],
            handlers: [
                .leased(
                    "test.leased",
                    LeasedTestJob { _, _ in
                        entered.enter(""); return .done()
                    })
            ]
        ) { rig in
            let id = try await rig.enqueue("test.leased")
            // Between its wake-up and its claim: a cancel of a queued job would end it by itself.
            try await rig.script("insert into job_signals (job_id, signal) values ('\(id)', 'cancel')")
            let job = try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) { try await rig.wait(id, for: .cancelled) }
            #expect(job.attempt == 0)
            #expect(job.startedAt == nil)
            #expect(entered.entered == 0)
            #expect(try await rig.value("select count(*) from claims") == 0)
        }
    }
}
