/// A URL of the configuration; it prints with its password masked, because connection URLs carry one.
package struct SettingURL: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The URL as it was written, with its password.
    package let reveal: String

    package init(_ text: String) {
        reveal = text
    }

    package var scheme: String { String(reveal.prefix { $0 != ":" }).lowercased() }

    /// The URL with every password masked: in the authority, and in the query (libpq reads `?password=` and `?sslpassword=`).
    ///
    /// A password that was not percent-encoded may hold `/`, `?` and `@`, so the mask reaches to the last `@`: rather too much than too little.
    package var description: String {
        guard let slashes = reveal.firstRange(of: "://") else { return maskedQuery(reveal[...]) }
        let rest = reveal[slashes.upperBound...]
        guard let at = rest.lastIndex(of: "@"), let colon = rest[..<at].firstIndex(of: ":") else { return maskedQuery(reveal[...]) }
        return reveal[...colon] + Secret.mask + maskedQuery(rest[at...])
    }

    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }

    private func maskedQuery(_ text: Substring) -> String {
        guard let mark = text.firstIndex(of: "?") else { return String(text) }
        let pairs = text[text.index(after: mark)...].split(separator: "&", omittingEmptySubsequences: false)
        return text[...mark] + pairs.map(masked).joined(separator: "&")
    }

    private func masked(_ pair: Substring) -> String {
        guard let equals = pair.firstIndex(of: "=") else { return String(pair) }
        let name = pair[..<equals].lowercased()
        let telling = ["password", "secret", "token", "key"].contains { name.contains($0) }
        return telling ? pair[...equals] + Secret.mask : String(pair)
    }
}
