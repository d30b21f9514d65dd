/// Entity tags (RFC 9110, section 8.8.3): a client that has a version names it, and gets 304 instead of the same bytes again.
///
/// Put a tag into a response with `tagged()`; whether the client has that version the server finds out itself, for every 200 with an `ETag`.
package enum EntityTag {
    /// A strong tag of these bytes: 64 bits of FNV-1a and the length.
    ///
    /// Not a signature: whoever chooses the bytes can make two that collide.
    package static func of(_ bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return "\"\(String(hash, radix: 16))-\(String(bytes.count, radix: 16))\""
    }

    /// The weak form: the same content, perhaps in other bytes.
    static func weakened(_ tag: String) -> String { tag.hasPrefix("W/") ? tag : "W/" + tag }

    /// Whether `If-None-Match` names this tag; the weak comparison, as the field demands.
    static func matches(_ tag: String, _ headers: Headers) -> Bool {
        headers.list("If-None-Match").contains { $0 == "*" || opaque($0) == opaque(tag[...]) }
    }

    private static func opaque(_ tag: Substring) -> Substring { tag.hasPrefix("W/") ? tag.dropFirst(2) : tag }
}

extension Response {
    /// The same response with the `ETag` of its bytes; bodies that are not bytes are left alone.
    package func tagged() -> Response {
        guard case .bytes(let bytes) = body, headers["ETag"] == nil else { return self }
        var response = self
        response.headers["ETag"] = EntityTag.of(bytes)
        return response
    }
}
