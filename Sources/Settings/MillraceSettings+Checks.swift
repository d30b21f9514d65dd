internal import JSON

// What a row of the table asks for beyond its kind. Each answers nil when the text is right, else what was expected.

extension MillraceSettings {
    @Sendable static func address(_ text: String) -> String? {
        Format.ipv4.matches(text) || Format.ipv6.matches(text) ? nil : "an IPv4 or IPv6 address"
    }

    @Sendable static func network(_ text: String) -> String? {
        Format.cidr.matches(text) ? nil : "networks such as 10.0.0.0/8 or 2001:db8::/32"
    }

    /// Scheme, host and port without a path: what a browser sends as Origin.
    @Sendable static func origin(_ text: String) -> String? {
        let expected = "origins such as https://shop.example.org, without a path"
        guard let host = ["https://", "http://"].first(where: text.hasPrefix).map({ text.dropFirst($0.count) }) else { return expected }
        return Format.uri.matches(text) && !host.contains(where: { "/?#@".contains($0) }) ? nil : expected
    }

    /// `id:base64,…`: different names, 32 bytes each.
    @Sendable static func encryptionKeys(_ text: String) -> String? {
        let expected = "id:base64,… with a number from 0 to 255 for each key and 32 bytes in base64 (44 characters)"
        var names: Set<UInt8> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let colon = part.firstIndex(of: ":") else { return expected }
            let name = UInt8(part[..<colon])
            let key = part[part.index(after: colon)...]
            guard let name, names.insert(name).inserted, key.utf8.count == 44, key.hasSuffix("="), key.dropLast().utf8.allSatisfy(isBase64Byte) else {
                return expected
            }
        }
        return nil
    }

    private static func isBase64Byte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/")
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
