import Faults
import TestSupport
import Testing

@testable import Engine

/// Which numbers of the outbox nobody holds back any more.
struct SettledNumbersTests {
    @Test func `a number is settled when all have ended that were open when it was given out`() {
        var numbers = SettledNumbers()
        numbers.saw(givenOut: 10, oldest: 5, next: 8)
        #expect(numbers.last == 0)
        // Who began between this look's snapshot and its sight of the number counts too.
        numbers.saw(givenOut: 12, oldest: 5, next: 9)
        numbers.saw(givenOut: 13, oldest: 8, next: 11)
        #expect(numbers.last == 0)
        numbers.saw(givenOut: 14, oldest: 9, next: 11)
        #expect(numbers.last == 10)
    }

    @Test func `one that stays open holds back everything since, and nothing before`() {
        var numbers = SettledNumbers()
        for look in 1...3 { numbers.saw(givenOut: Int64(look), oldest: Int64(look), next: Int64(look)) }
        let settled = numbers.last
        #expect(settled == 1)
        for look in 4...100 { numbers.saw(givenOut: Int64(look), oldest: 4, next: Int64(look)) }
        #expect(numbers.last <= 4)
        numbers.saw(givenOut: 101, oldest: 101, next: 101)
        #expect(numbers.last >= 4)
    }

    /// Transactions take numbers and end in any order; each look sees a snapshot first and the sequence a moment later.
    @Test func `no number appears that was settled before`() {
        for seed in SeededGenerator.seedOfThisRun..<SeededGenerator.seedOfThisRun + 20 { wander(seed) }
    }

    private func wander(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var numbers = SettledNumbers()
        var (nextTransaction, givenOut) = (Int64(1), Int64(0))
        var open: [Int64: [Int64]] = [:]
        func act() {
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                open[nextTransaction] = []
                nextTransaction += 1
            case 1:
                guard let one = open.keys.sorted().randomElement(using: &random) else { return }
                givenOut += 1
                open[one]?.append(givenOut)
            default:
                guard let one = open.keys.sorted().randomElement(using: &random), let appears = open.removeValue(forKey: one) else { return }
                #expect(appears.allSatisfy { $0 > numbers.last }, "settled up to \(numbers.last), and \(appears) appear; seed \(seed)")
            }
        }
        for _ in 0..<2000 {
            for _ in 0..<Int.random(in: 0..<4, using: &random) { act() }
            let (oldest, next) = (open.keys.min() ?? nextTransaction, nextTransaction)
            for _ in 0..<Int.random(in: 0..<3, using: &random) { act() }
            numbers.saw(givenOut: givenOut, oldest: oldest, next: next)
        }
        #expect(numbers.last > 0, "nothing was ever settled; seed \(seed)")
    }
}
