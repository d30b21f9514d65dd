internal import Faults

/// What will happen in a run: all of it follows from the seed, and is printed before anything does.
struct FaultPlan: Sendable {
    let seed: UInt64
    let faults: [PlannedFault]

    /// - Parameters:
    ///   - seconds: over which the faults begin.
    init(seed: UInt64, seconds: Int, faults kinds: [Fault]) {
        var random = SeededGenerator(seed: seed)
        let count = Int.random(in: 3...6, using: &random)
        var planned: [PlannedFault] = []
        for _ in 0..<count {
            guard let fault = kinds.randomElement(using: &random) else { break }
            planned.append(
                PlannedFault(
                    fault: fault, at: Int.random(in: 0...max(seconds * 1000, 1), using: &random),
                    duration: Int.random(in: fault.duration, using: &random), target: Int.random(in: 0..<4, using: &random)))
        }
        self.seed = seed
        self.faults = planned.sorted { $0.at < $1.at }
    }
}
