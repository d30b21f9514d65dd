/// A word behind `millrace bench`.
protocol Benchmark: Sendable {
    static var name: String { get }
    /// What it measures, and its options, for `--help`.
    static var usage: String { get }
    static var flags: [String] { get }
    static var options: [String] { get }
    static func run(_ arguments: Arguments) throws
}

extension Benchmark {
    static var flags: [String] { [] }
}
