import Bytes
import Faults
import TestSupport
import Testing

@testable import Engine

/// Where flows may be that nobody knows.
struct FlowGapsTests {
    private func flow(_ rank: Int, _ account: Identifier) -> Flow { Flow(priority: -rank, accountID: account) }
    private func id(_ low: UInt64) -> Identifier { Identifier(high: 0, low: low) }

    @Test func `without a known flow all ranks are one gap`() {
        let gaps = FlowGaps(between: [], after: nil, isOpen: true)
        #expect(gaps.ranks == [.init(from: .min, to: .max)])
        #expect(gaps.accounts.isEmpty)
    }

    @Test func `neighbours leave no gap, and accounts at the edges none beyond`() {
        let gaps = FlowGaps(between: [flow(3, .zero), flow(3, id(1)), flow(3, .last)], after: nil, isOpen: true)
        #expect(gaps.accounts == [.init(rank: 3, from: id(2), to: Identifier(high: .max, low: .max - 1))])
        #expect(gaps.ranks == [.init(from: .min, to: 2), .init(from: 4, to: .max)])
    }

    @Test func `each flow is known, or in one gap, or beyond the stretch`() {
        let seed = SeededGenerator.seedOfThisRun
        var random = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            // Few of each, also at the edges, so that they meet.
            func any() -> Flow {
                let accounts: [Identifier] = [.zero, id(1), id(2), id(3), Identifier(high: 0, low: .max), Identifier(high: 1, low: 0), .last]
                return flow([-32767, -1, 0, 1, 2, 32767][Int.random(in: 0..<6, using: &random)], accounts[Int.random(in: 0..<7, using: &random)])
            }
            let all = Set((0..<Int.random(in: 0..<8, using: &random)).map { _ in any() }).sorted()
            let start = Bool.random(using: &random) ? any() : nil
            let known = all.filter { flow in start.map { flow > $0 } ?? true }
            let isOpen = Bool.random(using: &random) || known.isEmpty
            let gaps = FlowGaps(between: known, after: start, isOpen: isOpen)
            for _ in 0..<50 {
                let one = any()
                let found =
                    gaps.accounts.count { $0.rank == one.rank && $0.from <= one.accountID && one.accountID <= $0.to }
                    + gaps.ranks.count { $0.from <= one.rank && one.rank <= $0.to }
                let isBeyond = start.map { one <= $0 } ?? false || !isOpen && one > known[known.count - 1]
                #expect(found == (known.contains(one) || isBeyond ? 0 : 1), "\(one) among \(known) after \(String(describing: start)); seed \(seed)")
            }
        }
    }
}
