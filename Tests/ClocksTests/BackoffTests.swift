import Clocks
import Faults
import Testing

@Suite struct BackoffTests {
    @Test func `the ceiling grows by the factor up to the cap`() throws {
        let backoff = try Backoff.exponential(base: .seconds(2), factor: 2, cap: .seconds(60))
        let ceilings = (1...8).map { backoff.range(afterAttempt: $0).upperBound }
        #expect(ceilings == [2, 4, 8, 16, 32, 60, 60, 60].map { .seconds($0) })
        #expect((1...8).allSatisfy { backoff.range(afterAttempt: $0).lowerBound == .zero })
        #expect(backoff.range(afterAttempt: 0) == backoff.range(afterAttempt: 1))
        #expect(backoff.range(afterAttempt: .min) == backoff.range(afterAttempt: 1))
    }

    @Test func `full jitter spreads evenly from nothing to the ceiling`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        let backoff = try Backoff.exponential(base: .seconds(10), cap: .seconds(10))
        var tenths = [Int](repeating: 0, count: 10)
        for _ in 0..<10_000 {
            let delay = backoff.delay(afterAttempt: 1, using: &generator)
            #expect(delay >= .zero && delay <= .seconds(10), "seed \(seed)")
            tenths[min(9, Int(delay.components.seconds))] += 1
        }
        // 1,000 in each tenth, standard deviation 30.
        #expect(tenths.allSatisfy { (760...1_240).contains($0) }, "seed \(seed): \(tenths)")
    }

    @Test func `the same generator draws the same delays`() throws {
        let backoff = try Backoff.exponential(base: .seconds(1), cap: .seconds(3600))
        var first = SeededGenerator(seed: 7)
        var second = SeededGenerator(seed: 7)
        for attempt in 1...20 {
            #expect(backoff.delay(afterAttempt: attempt, using: &first) == backoff.delay(afterAttempt: attempt, using: &second))
        }
    }

    @Test func `a list is followed to its last delay, which repeats`() throws {
        let backoff = try Backoff.delays([.seconds(5), .seconds(300), .seconds(1800)], jitter: 0.2)
        #expect(backoff.range(afterAttempt: 1) == .seconds(4) ... .seconds(6))
        #expect(backoff.range(afterAttempt: 2) == .seconds(240) ... .seconds(360))
        #expect(backoff.range(afterAttempt: 3) == .seconds(1440) ... .seconds(2160))
        #expect(backoff.range(afterAttempt: 100) == backoff.range(afterAttempt: 3))
        var generator = SeededGenerator(seed: 1)
        let exact = try Backoff.delays([.seconds(5)])
        #expect(exact.delay(afterAttempt: 3, using: &generator) == .seconds(5))
        for attempt in 1...200 {
            #expect(backoff.range(afterAttempt: attempt).contains(backoff.delay(afterAttempt: attempt, using: &generator)))
        }
    }

    @Test func `no attempt and no size makes it trap`() throws {
        var generator = SeededGenerator(seed: 1)
        let longest = Duration.seconds(Int64.max)
        let backoffs = [
            try Backoff.exponential(base: .nanoseconds(1), factor: 1, cap: longest),
            try Backoff.exponential(base: longest, factor: 1e300, cap: longest),
            try Backoff.exponential(base: .microseconds(1), factor: .greatestFiniteMagnitude, cap: longest),
            try Backoff.exponential(base: .seconds(1), factor: 1.000_000_1, cap: .seconds(2)), try Backoff.delays([longest], jitter: 1),
        ]
        for backoff in backoffs {
            for attempt in [Int.min, -1, 0, 1, 2, 64, 1_000_000] {
                #expect(backoff.range(afterAttempt: attempt).contains(backoff.delay(afterAttempt: attempt, using: &generator)))
            }
        }
        let steady = try Backoff.exponential(base: .seconds(3), factor: 1, cap: .seconds(9))
        #expect(steady.range(afterAttempt: .max) == .zero ... .seconds(3))
    }

    @Test func `nonsense is refused`() {
        #expect(throws: ClocksError.self) { try Backoff.exponential(base: .zero, cap: .seconds(1)) }
        #expect(throws: ClocksError.self) { try Backoff.exponential(base: .seconds(2), cap: .seconds(1)) }
        #expect(throws: ClocksError.self) { try Backoff.exponential(base: .seconds(1), factor: 0.9, cap: .seconds(1)) }
        #expect(throws: ClocksError.self) { try Backoff.exponential(base: .seconds(1), factor: .nan, cap: .seconds(1)) }
        #expect(throws: ClocksError.self) { try Backoff.exponential(base: .seconds(1), factor: .infinity, cap: .seconds(1)) }
        #expect(throws: ClocksError.self) { try Backoff.delays([]) }
        #expect(throws: ClocksError.self) { try Backoff.delays([.seconds(-1)]) }
        #expect(throws: ClocksError.self) { try Backoff.delays([.seconds(1)], jitter: 1.1) }
        #expect(throws: ClocksError.self) { try Backoff.delays([.seconds(1)], jitter: .nan) }
    }
}
