import Glibc

/// A generator that gives the same numbers for the same seed (SplitMix64, Steele et al.
///
/// 2014).
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// The seed of this run: `MILLRACE_TEST_SEED`, or another one each time; a test prints it.
    static let ofThisRun: UInt64 = getenv("MILLRACE_TEST_SEED").flatMap { UInt64(String(cString: $0)) } ?? .random(in: 0...99_999)
}
