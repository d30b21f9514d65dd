/// A subcommand.
protocol Command: Sendable {
    static var name: String { get }
    /// One sentence.
    static var summary: String { get }
    /// The words after the name.
    static var usage: String { get }
    /// Options without a value.
    static var flags: [String] { get }
    /// Options with a value, beside those that every command has.
    static var options: [String] { get }
    static func run(_ arguments: Arguments) throws
}

extension Command {
    static var usage: String { "" }
    static var flags: [String] { [] }
    static var options: [String] { [] }
}

/// Exit codes that scripts can rely on (sysexits.h where it has one).
enum ExitCode: Int32 {
    case failure = 1
    case notFound = 2
    case usage = 64
    case unavailable = 69
    case configuration = 78
}
