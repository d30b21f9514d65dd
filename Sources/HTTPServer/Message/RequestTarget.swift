/// What a request asks for: the path, split and decoded, and the query (RFC 9112, section 3.2).
///
/// The path is split at its slashes first and decoded after that, segment by segment, so that `%2F` inside of a segment never becomes a separator:
/// `/files/..%2fsecret` has the two segments `files` and `../secret`, and no route can mistake the second for a way up.
package struct RequestTarget: Sendable, Hashable {
    /// The path as the client sent it, without the query.
    package let rawPath: String
    /// The decoded path; for people and for logs, never for finding files.
    package let path: String
    /// The decoded segments, without empty ones at the end: `/a//b/` is `a`, ``, `b`.
    package let segments: [String]
    package let query: Query

    /// Reads the target of a request line: `/path?query`, `http://host/path?query` or `*`; nil when it is malformed.
    package init?(_ text: some Sequence<UInt8>) {
        var bytes = ArraySlice(text)
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        if bytes.first != UInt8(ascii: "/") { bytes = Self.withoutAuthority(bytes) }
        let mark = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
        let path = bytes[..<mark]
        guard path.first == UInt8(ascii: "/") || path.elementsEqual("*".utf8) else { return nil }
        guard let query = Query(bytes[mark...].dropFirst()) else { return nil }
        var segments: [String] = []
        if path.first == UInt8(ascii: "/") {
            for piece in path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
                guard let segment = PercentEncoding.decode(piece) else { return nil }
                segments.append(segment)
            }
            while segments.last?.isEmpty == true { segments.removeLast() }
        }
        rawPath = String(decoding: path, as: UTF8.self)
        self.path = path.contains(UInt8(ascii: "%")) ? "/" + segments.joined(separator: "/") : rawPath
        self.segments = segments
        self.query = query
    }

    package init?(_ text: String) { self.init(text.utf8) }

    /// The absolute form, which proxies use: scheme and authority are dropped, an empty path is `/`.
    private static func withoutAuthority(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        for scheme in ["http://", "https://"] where bytes.count > scheme.utf8.count {
            guard String(decoding: bytes.prefix(scheme.utf8.count), as: UTF8.self).equalsWithoutCase(scheme) else { continue }
            let rest = bytes.dropFirst(scheme.utf8.count)
            let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
            let tail = rest[end...]
            return tail.first == UInt8(ascii: "/") ? tail : ArraySlice([UInt8(ascii: "/")] + tail)
        }
        return bytes
    }
}
