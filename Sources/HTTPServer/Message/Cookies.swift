/// The cookies that a client sent (RFC 6265, section 4.2); the first of a name counts.
package struct Cookies: Sendable {
    private let pairs: [(name: Substring, value: Substring)]

    init(_ headers: Headers) {
        pairs = headers.all("Cookie").flatMap { $0.split(separator: ";") }.compactMap { pair in
            guard let equals = pair.firstIndex(of: "=") else { return nil }
            let value = pair[pair.index(after: equals)...].trimmingSpaces()
            let isQuoted = value.count >= 2 && value.first == "\"" && value.last == "\""
            return (pair[..<equals].trimmingSpaces(), isQuoted ? value.dropFirst().dropLast() : value)
        }
    }

    package subscript(name: String) -> String? { pairs.first { $0.name == name }.map { String($0.value) } }
}

/// A cookie for `Set-Cookie`, careful unless told otherwise: not readable by scripts, only over TLS, only from our own pages.
package struct Cookie: Sendable {
    package enum SameSite: String, Sendable {
        case strict = "Strict"
        case lax = "Lax"
        case none = "None"
    }

    package var name: String
    package var value: String
    package var path = "/"
    /// Seconds that the client keeps it; nil keeps it until the browser ends, 0 deletes it.
    package var maxAge: Int?
    package var httpOnly = true
    package var secure = true
    package var sameSite = SameSite.lax

    package init(_ name: String, _ value: String, maxAge: Int? = nil) {
        self.name = name
        self.value = value
        self.maxAge = maxAge
    }

    /// The value of the header field.
    package var text: String {
        var text = "\(name)=\(value); Path=\(path)"
        if let maxAge { text += "; Max-Age=\(maxAge)" }
        if httpOnly { text += "; HttpOnly" }
        if secure { text += "; Secure" }
        return text + "; SameSite=\(sameSite.rawValue)"
    }
}
