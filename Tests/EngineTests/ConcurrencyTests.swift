import JSON
import Postgres
import TestSupport
import Testing

@testable import Engine

/// How much a queue's worker does at a time.
struct ConcurrencyLimitTests {
    private let second: Int64 = 1_000_000_000

    @Test func `it begins with the least, and grows to the most while work waits`() {
        var limit = ConcurrencyLimit(minimum: 1, maximum: 8)
        var (seen, now) = ([limit.current], second)
        for _ in 0..<12 {
            limit.observe(isWaiting: true, inUse: limit.current, now: now)
            if limit.current != seen.last { seen.append(limit.current) }
            now += 20_000_000
        }
        #expect(seen == [1, 2, 3, 4, 6, 8])
        #expect(!limit.canGrow)
    }

    @Test func `a moment's wait is no lag`() {
        var limit = ConcurrencyLimit(minimum: 1, maximum: 8)
        for turn in 0..<1000 as Range<Int64> {
            // Waits for 10 ms, and then not.
            limit.observe(isWaiting: true, inUse: 1, now: turn * second / 10)
            limit.observe(isWaiting: true, inUse: 1, now: turn * second / 10 + 10_000_000)
            limit.observe(isWaiting: false, inUse: 1, now: turn * second / 10 + 12_000_000)
        }
        #expect(limit.current == 1)
    }

    @Test func `it shrinks slowly while room stands empty, and never below the least or what is in use`() {
        var limit = ConcurrencyLimit(minimum: 2, maximum: 8)
        for step in 0..<100 as Range<Int64> { limit.observe(isWaiting: true, inUse: 8, now: step * 20_000_000) }
        #expect(limit.current == 8)
        var now = 100 * second
        for _ in 0..<9 {
            limit.observe(isWaiting: false, inUse: 0, now: now)
            now += second
        }
        #expect(limit.current == 8)
        for _ in 0..<40 {
            limit.observe(isWaiting: false, inUse: 5, now: now)
            now += second
        }
        #expect(limit.current == 5)
        for _ in 0..<100 {
            limit.observe(isWaiting: false, inUse: 0, now: now)
            now += second
        }
        #expect(limit.current == 2)
    }
}

@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct ConcurrencyTests {
    @Test(arguments: ["atomic", "leased"], [true, false]) func `jobs that wait get as much room as the definition allows`(style: String, broker: Bool)
        async throws
    {
        let barrier = Barrier()
        let handlers: [JobHandler] = [
            .atomic(
                "test.atomic",
                AtomicTestJob { _, _ in
                    barrier.pass()
                    return .done()
                }),
            .leased(
                "test.leased",
                LeasedTestJob { _, _ in
                    try await barrier.wait()
                    return .done()
                }),
        ]
        let queue = TestKinds.queue("fast", batch: 1, concurrency: 4, least: 1)
        try await EngineRig.with(kinds: [TestKinds.kind("test.\(style)", style: style)], queues: [queue], handlers: handlers) { rig in
            _ = try await rig.enqueue((0..<12).map { _ in NewJob("test.\(style)", [:]) })
            if broker { try await rig.declareQueues() }
            try await rig.running(broker ? [.relay(rig.relay()), .worker(rig.worker())] : [.worker(rig.worker(broker: .some(nil)))]) {
                try await eventually("four run") { barrier.count == 4 }
                barrier.open()
                try await eventually("all have run") { try await rig.value("select count(*) from finished_jobs where state = 'completed'") == 12 }
            }
            #expect(barrier.count == 12)
        }
    }
}
