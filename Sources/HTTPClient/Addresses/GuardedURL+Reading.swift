extension GuardedURL {
    /// One pass over the whole text, so that no later step meets a byte that it has to think about.
    static func checkCharacters(_ bytes: [UInt8]) throws(Problem) {
        for byte in bytes {
            switch byte {
            case 0x00...0x1F, 0x7F: throw .controlCharacter
            case UInt8(ascii: " "): throw .space
            case 0x80...: throw .notASCII
            case UInt8(ascii: "\\"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""): throw .forbiddenCharacter
            case UInt8(ascii: "#"): throw .fragment
            default: continue
            }
        }
    }

    static func splitScheme(_ bytes: [UInt8]) throws(Problem) -> (Scheme, ArraySlice<UInt8>) {
        for scheme in [Scheme.https, .http] {
            let start = Array((scheme.rawValue + "://").utf8)
            if bytes.prefix(start.count).map(lowercase) == start { return (scheme, bytes[start.count...]) }
        }
        throw .scheme
    }

    /// Host and, where a colon follows it, the port's digits.
    static func splitAuthority(_ authority: ArraySlice<UInt8>) throws(Problem) -> (host: ArraySlice<UInt8>, port: ArraySlice<UInt8>?) {
        if authority.contains(UInt8(ascii: "@")) { throw .userInformation }
        let colon = UInt8(ascii: ":")
        if authority.first == UInt8(ascii: "[") {
            guard let close = authority.firstIndex(of: UInt8(ascii: "]")) else { throw .brackets }
            let rest = authority[(close + 1)...]
            guard rest.isEmpty || rest.first == colon else { throw .brackets }
            return (authority[...close], rest.isEmpty ? nil : rest.dropFirst())
        }
        let parts = authority.split(separator: colon, omittingEmptySubsequences: false)
        guard parts.count <= 2 else { throw .brackets }
        return (parts.first ?? [], parts.count == 2 ? parts[1] : nil)
    }

    static func readPort(_ digits: ArraySlice<UInt8>) throws(Problem) -> UInt16 {
        guard digits.first != UInt8(ascii: "0"), digits.allSatisfy(isDigit), let port = UInt16(String(decoding: digits, as: UTF8.self)) else {
            throw .port
        }
        return port
    }

    static func readHost(_ bytes: ArraySlice<UInt8>) throws(Problem) -> Host {
        if bytes.first == UInt8(ascii: "[") { return try readLiteral(bytes.dropFirst().dropLast()) }
        if bytes.contains(UInt8(ascii: "%")) { throw .encodedHost }
        // A name may end with the dot of the root; it is the same host, and must not be a second one to caches and lists.
        let name = bytes.last == UInt8(ascii: ".") ? bytes.dropLast() : bytes
        guard !name.isEmpty else { throw .noHost }
        guard name.count <= 253 else { throw .hostTooLong }
        let labels = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if let last = labels.last, isNumber(last) {
            guard let address = IPAddress(String(decoding: name, as: UTF8.self)) else { throw .numericHost }
            return .address(address)
        }
        guard labels.allSatisfy(isLabel) else { throw .hostName }
        return .name(String(decoding: name.map(lowercase), as: UTF8.self))
    }

    private static func readLiteral(_ bytes: ArraySlice<UInt8>) throws(Problem) -> Host {
        if bytes.contains(UInt8(ascii: "%")) { throw .zone }
        guard let address = IPAddress(String(decoding: bytes, as: UTF8.self)), address.width == 128 else { throw .brackets }
        return .address(address)
    }

    /// A last label that some parser would take for a number, which makes the whole host an IPv4 address to it (WHATWG URL, "ends in a number").
    private static func isNumber(_ label: ArraySlice<UInt8>) -> Bool {
        if label.allSatisfy(isDigit) { return !label.isEmpty }
        guard label.count >= 2, label.first == UInt8(ascii: "0"), lowercase(label[label.startIndex + 1]) == UInt8(ascii: "x") else { return false }
        return label.dropFirst(2).allSatisfy { isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(lowercase($0)) }
    }

    /// Letters, digits, hyphens inside; the underscore is not for host names, but in use.
    private static func isLabel(_ label: ArraySlice<UInt8>) -> Bool {
        let hyphen = UInt8(ascii: "-")
        guard (1...63).contains(label.count), label.first != hyphen, label.last != hyphen else { return false }
        return label.allSatisfy { byte in
            isDigit(byte) || byte == hyphen || byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lowercase(byte))
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 32 : byte
    }
}
