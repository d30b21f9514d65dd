import Faults
import Synchronization

/// Chance, and what it led to.
final class Dice: Sendable {
    private let state: Mutex<(random: SeededGenerator, journal: [String], isCalm: Bool)>

    init(_ seed: UInt64) { state = Mutex((SeededGenerator(seed: seed), [], false)) }

    func roll(_ sides: Int) -> Int { state.withLock { Int.random(in: 0..<sides, using: &$0.random) } }
    func pick<C: RandomAccessCollection>(_ choices: C) -> C.Element? {
        choices.isEmpty ? nil : choices[choices.index(choices.startIndex, offsetBy: roll(choices.count))]
    }
    func note(_ line: String) { state.withLock { $0.journal.append(line) } }
    var journal: [String] { state.withLock { $0.journal } }
    /// Nothing goes wrong any more.
    var isCalm: Bool { state.withLock { $0.isCalm } }
    func calmDown() { state.withLock { $0.isCalm = true } }
}

extension Array {
    mutating func shuffle(using dice: Dice) {
        for index in indices.dropLast() { swapAt(index, index + dice.roll(count - index)) }
    }
}

extension Range where Bound == Int {
    func randomElement(using dice: Dice) -> Int? { isEmpty ? nil : lowerBound + dice.roll(count) }
}
