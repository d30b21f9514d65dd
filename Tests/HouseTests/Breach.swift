/// A place that breaks a rule, in the form that editors jump to.
struct Breach: CustomStringConvertible, Equatable {
    let path: String
    let line: Int
    let message: String

    var description: String { "\(path):\(line): \(message)" }
}

extension [Breach] {
    /// One per line, for the message of a failed expectation.
    var list: String { map(\.description).joined(separator: "\n") }
}

extension Tree.File {
    /// The lines that `matches` accepts, as breaches.
    func breaches(_ message: String, where matches: (Substring) -> Bool) -> [Breach] {
        lines.enumerated().filter { matches($0.element) }.map { Breach(path: path, line: $0.offset + 1, message: message) }
    }
}
