import Faults
import TestSupport
import Testing

@testable import Engine

/// The engine's steps on the real database in random order, with a broker that loses and repeats, and crashes between any two steps.
///
/// The relay, the claims, the runs, the ends and the maintenance are the engine's own; the test decides who moves next, and plays the broker. Their way to
/// the database leads through a proxy that breaks at some message of some steps, before the server has seen it or before anybody has seen the answer: so a
/// crash falls between any two statements, and into every COMMIT. After every step the ledger must be whole. `MILLRACE_TEST_SEED` repeats a run, apart from
/// what depends on the clock.
@Suite(.database(.engine), .timeLimit(.minutes(5)))
struct ModelTests {
    @Test(arguments: 0..<6) func `whatever happens in whatever order, every job ends once and its effects are exactly its completion's`(run: Int)
        async throws
    {
        let seed = SeededGenerator.seedOfThisRun &+ UInt64(run)
        let kinds = [
            TestKinds.kind("test.atomic", style: "atomic", attempts: 3, backoff: #"{ "delays": ["1ms"] }"#),
            TestKinds.kind("test.leased", style: "leased", attempts: 3, backoff: #"{ "delays": ["1ms"] }"#),
            TestKinds.kind("test.unique", style: "leased", attempts: 3, backoff: #"{ "delays": ["1ms"] }"#, extra: #""unique": { "by": ["key"] },"#),
            TestKinds.kind(
                "test.limited", style: "leased", attempts: 3, backoff: #"{ "delays": ["1ms"] }"#,
                extra: #""limits": { "by": "key", "concurrency": 1 },"#),
            TestKinds.kind(
                "test.rated", style: "leased", attempts: 3, backoff: #"{ "delays": ["1ms"] }"#,
                extra: #""limits": { "by": "key", "concurrency": 2, "rate": { "count": 500, "per": "1s", "burst": 2 } },"#),
            TestKinds.kind(
                "test.slotted", style: "atomic", attempts: 3, backoff: #"{ "delays": ["1ms"] }"#,
                extra: #""limits": { "by": "key", "concurrency": 1 },"#),
        ]
        let dice = Dice(seed)
        try await EngineRig.with(kinds: kinds, queues: [TestKinds.queue("fast", batch: 8)], handlers: Model.handlers(dice)) { rig in
            try await rig.script("create table effects (job uuid, note text)")
            let (proxy, shaky) = try ShakyWay.open()
            defer { proxy.stop() }
            let failure = await offPool { () -> (any Error)? in
                do {
                    let model = try Model(rig, dice, proxy, shaky)
                    try model.wander(steps: 300)
                    try model.drain()
                    return nil
                } catch {
                    return error
                }
            }
            if let failure { Issue.record("seed \(seed): \(failure)\n\(dice.journal.suffix(40).joined(separator: "\n"))") }
        }
    }
}
