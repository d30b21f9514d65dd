import Bytes
import JSON
import Lanes
import Postgres
import TestSupport
import Testing

@testable import Engine

/// A worker's own view of its life.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct IdentityTests {
    private let kind = TestKinds.kind("test.leased", style: "leased", timeout: "60s")

    private func identities(_ rig: EngineRig) async throws -> [Identifier] {
        try await rig.database.run { try $0.run(.once("select id from workers order by started_at")).map { try $0("id") } }
    }

    private func breakIdentity(_ rig: EngineRig) async throws {
        try await rig.script(
            """
            select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and application_name = 'millrace-worker-identity'
            """)
    }

    @Test func `a lost lock is taken again, and nothing that runs notices`() async throws {
        let barrier = Barrier()
        let handler = JobHandler.leased(
            "test.leased",
            LeasedTestJob { _, _ in
                try await barrier.wait()
                return .done()
            })
        try await EngineRig.with(kinds: [kind], handlers: [handler]) { rig in
            try await rig.running([.relay(rig.relay()), .scheduler(rig.scheduler(rescueAfter: .seconds(5))), .worker(rig.worker())]) {
                let id = try await rig.enqueue("test.leased")
                try await eventually("it runs") { barrier.count == 1 }
                let before = try await identities(rig)
                for _ in 0..<3 {
                    let beats = try await rig.value("select max(beats) from workers", as: Int64.self)
                    try await breakIdentity(rig)
                    try await eventually("it beats again") { try await rig.value("select max(beats) from workers", as: Int64.self) > beats + 1 }
                }
                #expect(try await identities(rig) == before)
                #expect(barrier.count == 1)
                barrier.open()
                let job = try await rig.wait(id, for: .completed)
                #expect(job.attempts.isEmpty)
            }
        }
    }

    @Test func `a worker that others took for dead breaks off its work and goes on under another name`() async throws {
        let tally = Tally()
        let handler = JobHandler.leased(
            "test.leased",
            LeasedTestJob { _, _ in
                if tally.add() == 1 { try await Task.sleep(for: .seconds(60)) }
                return .done()
            })
        try await EngineRig.with(kinds: [kind], handlers: [handler]) { rig in
            try await rig.running {
                let id = try await rig.enqueue("test.leased")
                try await eventually("it runs") { tally.total == 1 }
                let before = try await identities(rig)
                try await rig.script("delete from workers")
                let job = try await rig.wait(id, for: .completed)
                #expect(tally.total == 2)
                #expect(job.attempt == 1)
                let after = try await identities(rig)
                #expect(after.count == 1)
                #expect(after != before)
                #expect(job.workerID == after.first)
            }
        }
    }

    @Test func `nothing is claimed under an identity that does not stand`() async throws {
        try await EngineRig.with(kinds: [kind]) { rig in
            let id = try await rig.enqueue("test.leased")
            let core = WorkerCore(
                ledger: rig.ledger, handlers: [:], database: rig.database,
                identity: WorkerIdentity(
                    settings: rig.settings, role: "worker", queues: ["fast"], running: RunningJobs(), ledger: rig.ledger, log: rig.log, onStuck: {}),
                running: RunningJobs(), gate: SoloGate(), metrics: WorkerMetrics(rig.metrics, catalog: rig.catalog), log: rig.log, deathNotice: nil)
            let runner = LeasedRunner(
                core: core, settler: Settler(core: core, pool: .init("none", count: 1) { [settings = rig.settings] _ in WorkLane(settings) }))
            let number = try await rig.number(of: id)
            #expect(throws: Unregistered.self) {
                _ = try runner.claim([ClaimRequest(id: id, publish: number, kind: "test.leased")], lane: WorkLane(rig.settings))
            }
            #expect(try await rig.value("select count(*) from outbox") == 1)
            #expect(try await rig.job(id).state == .queued)
        }
    }

    @Test func `a row that could not be locked is not a name for ever`() async throws {
        try await EngineRig.with(kinds: [kind], handlers: [.leased("test.leased", LeasedTestJob { _, _ in .done() })]) { rig in
            // The first worker's lock is somebody else's.
            let thief = try Connection(rig.settings)
            try thief.run(.once("select pg_advisory_lock(1837, (select last_value::int4 from worker_locks))"))
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                _ = try await rig.wait(rig.enqueue("test.leased"), for: .completed)
            }
            #expect(thief.isUsable)
        }
    }
}
