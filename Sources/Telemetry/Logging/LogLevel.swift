/// How much a line of the log matters.
package enum LogLevel: Int, Comparable, CaseIterable, Sendable {
    /// Every step; for a developer.
    case trace
    /// What helps to understand one job or request.
    case debug
    /// What an operator may want to know afterwards; the default.
    case info
    /// What is wrong and was coped with.
    case warning
    /// What is wrong and needs somebody.
    case error

    /// The level of this name, as in the setting `log.level`.
    package init?(name: String) {
        guard let level = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = level
    }

    package var name: String {
        switch self {
        case .trace: "trace"
        case .debug: "debug"
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }

    package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}
