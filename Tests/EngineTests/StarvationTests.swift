import Bytes
import JSON
import Postgres
import TestSupport
import Testing

@testable import Engine

/// Nobody waits for ever: aged priorities and turns over accounts, with a relay and a worker at work.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct StarvationTests {
    private static let handlers: [JobHandler] = [.atomic("test.atomic", AtomicTestJob { _, _ in .done() })]
    private static let kinds = [TestKinds.kind("test.atomic", style: "atomic")]
    private static let queue = TestKinds.queue("fast", batch: 5, concurrency: 1, prefetch: 10)

    /// Feeds high priority faster than it is served until the low job is served, or until so many have overtaken it.
    private func overtaken(agingStep: Duration, atMost limit: Int) async throws -> Int {
        try await EngineRig.with(kinds: Self.kinds, queues: [Self.queue], handlers: Self.handlers) { rig in
            func feed() async throws { _ = try await rig.enqueue((0..<500).map { _ in NewJob("test.atomic", [:], priority: 5) }) }
            try await feed()
            let low = try await rig.enqueue([NewJob("test.atomic", [:], priority: -5)])[0].id
            return try await rig.running([.relay(rig.relay(window: 20, batch: 20, agingStep: agingStep)), .worker(rig.worker())]) {
                var served = 0
                while try await rig.job(low).state != .completed, served < limit {
                    if try await rig.outbox("ready") < 300 { try await feed() }
                    served = try await rig.value("select count(*) from finished_jobs")
                }
                #expect(try await rig.outbox("ready") > 1, "the stream never dried up")
                return served
            }
        }
    }

    @Test func `a low priority under an endless stream of high ones is served when it has aged, and not before`() async throws {
        // Ten levels of priority are a second here.
        let aged = try await overtaken(agingStep: .milliseconds(100), atMost: 20_000)
        #expect(aged < 20_000, "aging never fired")
        #expect(aged > 20, "the high priority went first")
        // The same stream where nobody ages: it is not served at all, so it was aging that served it.
        let never = try await overtaken(agingStep: .seconds(3600), atMost: aged * 2 + 500)
        #expect(never >= aged * 2 + 500)
    }

    @Test func `a hundred thousand rows of one tenant do not delay another's one`() async throws {
        try await EngineRig.with(kinds: Self.kinds, queues: [Self.queue], handlers: Self.handlers) { rig in
            let (big, small) = (Identifier.next(), Identifier.next())
            try await rig.script(
                """
                with made as (
                    insert into jobs (id, account_id, created_at, run_at, max_attempts, kind, queue, payload)
                    select gen_random_uuid(), '\(big)', now(), now(), 3, 'test.atomic', 'fast', '{}' from generate_series(1, 100000)
                    returning id, account_id, run_at, queue, kind
                )
                insert into outbox (job_id, account_id, run_at, state, queue, kind) select id, account_id, run_at, 'ready', queue, kind from made
                """)
            let one = try await rig.running([.relay(rig.relay(window: 50, batch: 25)), .worker(rig.worker())]) {
                try await eventually("the big tenant is being served") { try await rig.value("select count(*) from finished_jobs") > 100 }
                let one = try await rig.enqueue("test.atomic", account: small)
                return try await rig.wait(one, for: .completed)
            }
            let before = try await rig.value(
                "select count(*) from finished_jobs where finished_at between $1 and (select finished_at from finished_jobs where id = $2)",
                one.createdAt,
                one.id)
            // What waited at the broker before it came, what the worker had prefetched and in hand, and a few turns of the relay, which remembers for a
            // moment who had waiting rows: nothing that grows with the hundred thousand.
            #expect(before <= 50 + 50 + 20 + 12 * 25)
        }
    }
}
