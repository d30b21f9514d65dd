import Bytes
import Clocks
import Faults
import JSON
import Lanes
import Postgres
import TestSupport
import Testing

@testable import Engine

/// Rates per key of leased kinds, by the database's clock.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct LimitRateTests {
    private static let handlers: [JobHandler] = [.leased("test.limited", LeasedTestJob { _, _ in .done() })]

    /// Asks for permits again and again, as claims do, and notes between which times how many were given.
    @Test(arguments: [(5, 1), (20, 20), (7, 3)]) func `over any span no more begin than the burst and what the span brings`(
        rate: (per: Int, burst: Int)
    )
        async throws
    {
        let step = Int64(1_000_000 / (rate.per * 10))
        let seed = SeededGenerator.seedOfThisRun
        try await EngineRig.with(kinds: [LimitTests.kind(#""concurrency": 1000"#)]) { rig in
            let burst = Int32(rate.burst)
            let given = try await rig.database.run { connection in
                var random = SeededGenerator(seed: seed)
                var given: [Given] = []
                let clock = Statement("test.clock", "select (extract(epoch from clock_timestamp()) * 1000000)::int8")
                let began: Int64 = try connection.run(clock).only()(0)
                while given.isEmpty || given[given.count - 1].after < began + 1_500_000 {
                    let before: Int64 = try connection.run(clock).only()(0)
                    let wanted = Int.random(in: 1...8, using: &random)
                    let granted = try Self.granted(wanted, gated: false, step: step, burst: burst, on: connection)
                    let after: Int64 = try connection.run(clock).only()(0)
                    given.append(Given(before: before, after: after, wanted: wanted, count: granted))
                    try connection.script("update limit_counters set waiting = false")
                    if Int.random(in: 0..<20, using: &random) == 0 { pause(.milliseconds(Int.random(in: 1...80, using: &random))) }
                }
                return given
            }
            var excess = 0
            for first in given.indices where given[first].count > 0 {
                var count = 0
                for last in first..<given.count where given[last].count > 0 {
                    count += given[last].count
                    let span = given[last].after - given[first].before
                    if count > rate.burst + Int(span / step) { excess += 1 }
                }
            }
            #expect(excess == 0, "seed \(seed)")
            #expect(shortage(given, step: step, burst: rate.burst) == 0, "seed \(seed)")
        }
    }

    /// Asks for permits of the key `k` for so many jobs; says how many got one.
    private static func granted(_ wanted: Int, gated: Bool, step: Int64, burst: Int32, on connection: Connection) throws -> Int {
        let rows = try connection.run(
            SQL.Limits.takePermits, (0..<wanted).map { _ in Identifier.next() }, Array(repeating: "k", count: wanted),
            Array(repeating: gated, count: wanted), [Int32?](repeating: nil, count: wanted), Array(repeating: step, count: wanted),
            Array(repeating: burst, count: wanted))
        return try rows.filter { try $0("verdict") as String == "granted" }.count
    }

    /// How many were refused that must have been given: a bucket of which is only known that each ask came between two times.
    private func shortage(_ given: [Given], step: Int64, burst: Int) -> Int {
        var latestFull: Int64 = 0
        var missing = 0
        for ask in given {
            let taken = Int((max(0, latestFull - ask.before) + step - 1) / step)
            missing += max(0, min(ask.wanted, burst - taken) - ask.count)
            latestFull = max(latestFull, ask.after) + Int64(ask.count) * step
        }
        return missing
    }

    private struct Given {
        var before: Int64
        var after: Int64
        var wanted: Int
        var count: Int
    }

    @Test func `what meets an empty bucket comes at the times of the tokens, and nothing comes in vain`() async throws {
        let kind = LimitTests.kind(#""rate": { "count": 50, "per": "1s", "burst": 10 }"#)
        try await EngineRig.with(kinds: [kind], queues: [TestKinds.queue("fast", concurrency: 50)], handlers: Self.handlers) { rig in
            _ = try await rig.enqueue(LimitTests.jobs(110, "a") + LimitTests.jobs(5, "b"))
            // No scheduler: each claim lets the next ones through.
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                try await eventually("the burst runs, and the other key's") {
                    try await rig.value("select count(*) from finished_jobs where state = 'completed'") >= 15
                }
                try await LimitTests.allDone(rig, 115)
            }
            let span = try await rig.value("select (extract(epoch from max(started_at) - min(created_at)) * 1000)::int8 from finished_jobs")
            #expect(span >= 2000, "100 tokens take two seconds")
            #expect(rig.metric("millrace_relay_published_total") < 115 * 4)
            #expect(try await LimitTests.isAtRest(rig))
        }
    }

    @Test func `a job of high priority overtakes those that wait for a token`() async throws {
        let kind = LimitTests.kind(#""rate": { "count": 10, "per": "1s", "burst": 1 }"#)
        try await EngineRig.with(kinds: [kind], queues: [TestKinds.queue("fast", concurrency: 50)], handlers: Self.handlers) { rig in
            _ = try await rig.enqueue(LimitTests.jobs(200, "a"))
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                try await eventually("the rest stands aside") { try await rig.outbox("parked") >= 150 }
                let urgent = try await rig.enqueue(LimitTests.jobs(1, "a", priority: 10))[0].id
                try await rig.wait(urgent, for: .completed, within: .seconds(15))
                #expect(try await rig.outbox("parked") > 20)
            }
        }
    }

    @Test func `a clock that is set back empties the bucket and no more`() async throws {
        try await EngineRig.with(kinds: [LimitTests.kind(#""concurrency": 1"#)]) { rig in
            // The bucket was written a day ahead of now.
            try await rig.script("insert into limit_counters (key, full_at) values ('k', (extract(epoch from now()) * 1000000)::int8 + 86400000000)")
            try await eventually("there are tokens again") {
                try await rig.database.run { try Self.granted(1, gated: true, step: 20_000, burst: 3, on: $0) } == 1
            }
        }
    }

    @Test func `a key may have a rate of its own`() async throws {
        let kind = LimitTests.kind(#""concurrency": 50"#)
        try await EngineRig.with(kinds: [kind], queues: [TestKinds.queue("fast", concurrency: 50)], handlers: Self.handlers) { rig in
            let ledger = rig.ledger
            let limit = LimitOverride(rate: JobDefinition.Rate(count: 20, per: .seconds(1), burst: 5))
            try await rig.database.run { try ledger.setLimit(limit, kind: "test.limited", value: "slow", on: $0) }
            _ = try await rig.enqueue(LimitTests.jobs(25, "slow") + LimitTests.jobs(25, "free"))
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) { try await LimitTests.allDone(rig, 50) }
            let slow = try await rig.value(
                """
                select (extract(epoch from max(started_at) - min(created_at)) * 1000)::int8 from finished_jobs where payload->>'key' = 'slow'
                """)
            #expect(slow >= 1000)
        }
    }

    @Test func `what counts is found by the index, however empty the table was when it was planned`() async throws {
        try await EngineRig.with(kinds: [LimitTests.kind(#""concurrency": 1"#)]) { rig in
            let scans = try await rig.database.run { connection in
                let fresh = Array(repeating: false, count: 50)
                let limits = Array(repeating: Int32(5), count: 50), none = [Int64?](repeating: nil, count: 50),
                    nothing = [Int32?](repeating: nil, count: 50)
                for turn in 0..<40 {
                    let keys = (0..<50).map { "key \(turn * 50 + $0)" }
                    let ids = keys.map { _ in Identifier.next() }
                    #expect(try connection.run(SQL.Limits.takePermits, ids, keys, fresh, limits, none, nothing).count == 50)
                    _ = try connection.run(SQL.Limits.letThrough, keys, limits, none, nothing)
                    _ = try connection.run(SQL.Claim.takeLimitedAtOnce, ids, Identifier.next(), [Int64](), ids.map { _ in Int64(1) }, Int32(5))
                }
                try connection.script("select pg_stat_force_next_flush()")
                return try connection.run(.once("select seq_scan from pg_stat_user_tables where relname = 'limit_counters'")).only()(0) as Int
            }
            #expect(scans == 0)
        }
    }
}
