/// What the placeholders of a route's pattern caught from the path, decoded.
package struct Parameters: Sendable, Hashable {
    private var names: [String] = []
    private var values: [String] = []
    /// The segments that a last `{name...}` caught.
    ///
    /// A segment may hold a slash that was sent as `%2F`.
    package private(set) var tail: [String] = []

    package init() {}

    init(names: [String], values: [String], tail: [String]) {
        self.names = names
        self.values = values
        self.tail = tail
    }

    package subscript(name: String) -> String? {
        guard let index = names.firstIndex(of: name) else { return nil }
        return index < values.count ? values[index] : tail.joined(separator: "/")
    }
}
