/// The pattern of a route: `/plans/{id}/proxies`, or `/static/{path...}` for everything below.
struct RoutePattern: Sendable, Hashable {
    enum Segment: Sendable, Hashable {
        case text(String)
        case parameter
        case tail
    }

    let text: String
    let segments: [Segment]
    /// The names of the placeholders from left to right.
    let names: [String]

    /// Reads a pattern.
    ///
    /// A malformed one is a mistake in the program and stops it.
    init(_ text: String) {
        precondition(text.hasPrefix("/"), "a route starts with a slash: \(text)")
        var names: [String] = []
        var segments: [Segment] = []
        for piece in text.dropFirst().split(separator: "/") {
            precondition(segments.last != .tail, "nothing follows {name...}: \(text)")
            if piece.hasPrefix("{"), piece.hasSuffix("...}") {
                segments.append(.tail)
                names.append(String(piece.dropFirst().dropLast(4)))
            } else if piece.hasPrefix("{"), piece.hasSuffix("}") {
                segments.append(.parameter)
                names.append(String(piece.dropFirst().dropLast()))
            } else {
                precondition(!piece.contains("{") && !piece.contains("}"), "a placeholder is a whole segment: \(text)")
                segments.append(.text(String(piece)))
            }
        }
        precondition(Set(names).count == names.count && !names.contains(""), "placeholders have different names: \(text)")
        self.text = text
        self.segments = segments
        self.names = names
    }

    /// The same pattern below a prefix.
    func under(_ prefix: String) -> RoutePattern {
        let prefix = prefix.hasSuffix("/") ? String(prefix.dropLast()) : prefix
        return RoutePattern(text == "/" && !prefix.isEmpty ? prefix : prefix + text)
    }
}
