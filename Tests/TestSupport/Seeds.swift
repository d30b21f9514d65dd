package import Faults
internal import Glibc

extension SeededGenerator {
    /// `MILLRACE_TEST_SEED`, for the day when a property has failed.
    private static let given = getenv("MILLRACE_TEST_SEED").flatMap { UInt64(String(cString: $0)) }

    /// The seed of this run, the given one or another each time; who uses it prints it.
    package static let seedOfThisRun: UInt64 = given ?? .random(in: 0...99_999)

    /// Begins with the given seed, or another one each time, and prints it.
    package static func fresh(_ test: String = #function) -> SeededGenerator {
        let seed = given ?? .random(in: .min ... .max)
        print("\(test): seed \(seed)")
        return SeededGenerator(seed: seed)
    }
}
