// Formats are checked by hand: each is a few lines over bytes, linear, and accepts what the rest of Millrace can read. `email` and `uri` are
// plausibility checks, not grammars; whether an address exists only the mail tells.

/// A value of the keyword `format`.
package enum Format: String, CaseIterable, Sendable {
    case uuid, date, email, uri, hostname, ipv4, ipv6, cidr, int32, int64, password
    case dateTime = "date-time"

    /// True when the text has this format; the formats of numbers and `password` only inform a reader.
    package func matches(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return switch self {
        case .uuid: Self.isUUID(bytes)
        case .date: bytes.count == 10 && Self.isDate(bytes[...])
        case .dateTime: Self.isDateTime(bytes)
        case .email: Self.isEmail(bytes)
        case .uri: Self.isURI(bytes)
        case .hostname: Self.isHostname(bytes[...])
        case .ipv4: Self.isIPv4(bytes[...])
        case .ipv6: Self.isIPv6(bytes[...])
        case .cidr: Self.isCIDR(bytes)
        case .int32, .int64, .password: true
        }
    }

    /// What the format is called in a sentence.
    package var phrase: String {
        switch self {
        case .uuid: "a UUID such as 0192f0c1-d2e3-7abc-8def-0123456789ab"
        case .date: "a date such as 2027-01-31"
        case .dateTime: "a time such as 2027-01-31T12:00:00Z"
        case .email: "an e-mail address"
        case .uri: "a URI with its scheme, such as https://example.org/path"
        case .hostname: "a host name"
        case .ipv4: "an IPv4 address"
        case .ipv6: "an IPv6 address"
        case .cidr: "a network such as 10.0.0.0/8 or 2001:db8::/32"
        case .int32, .int64: "an integer"
        case .password: "a password"
        }
    }
}

extension Format {
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isHexDigit(_ byte: UInt8) -> Bool { isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20) }

    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }

    /// Exactly these digits as a number, nil when one is none.
    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.count < 10, digits.allSatisfy(isDigit) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    private static func isUUID(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == 36 else { return false }
        return bytes.enumerated().allSatisfy { index, byte in
            [8, 13, 18, 23].contains(index) ? byte == UInt8(ascii: "-") : isHexDigit(byte)
        }
    }

    /// `full-date` of RFC 3339: ten bytes, days counted by month and leap year.
    private static func isDate(_ bytes: ArraySlice<UInt8>) -> Bool {
        let start = bytes.startIndex
        guard bytes.count == 10, bytes[start + 4] == UInt8(ascii: "-"), bytes[start + 7] == UInt8(ascii: "-"),
            let year = number(bytes[start..<start + 4]), let month = number(bytes[start + 5..<start + 7]),
            let day = number(bytes[start + 8..<start + 10]),
            (1...12).contains(month)
        else { return false }
        let leap = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
        let days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...days[month - 1]).contains(day)
    }

    /// `date-time` of RFC 3339, with a zone; a leap second is accepted only where one can be.
    private static func isDateTime(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 20, isDate(bytes[..<10]), bytes[10] | 0x20 == UInt8(ascii: "t"),
            bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]), let second = number(bytes[17..<19]),
            hour < 24, minute < 60, second < 60 || second == 60 && minute == 59
        else { return false }
        var rest = bytes[19...]
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix(while: isDigit)
            guard (1...9).contains(fraction.count) else { return false }
            rest = rest.dropFirst(1 + fraction.count)
        }
        if rest.count == 1 { return (rest.first ?? 0) | 0x20 == UInt8(ascii: "z") }
        let start = rest.startIndex
        guard rest.count == 6, rest[start] == UInt8(ascii: "+") || rest[start] == UInt8(ascii: "-"), rest[start + 3] == UInt8(ascii: ":"),
            let hours = number(rest[start + 1..<start + 3]), let minutes = number(rest[start + 4..<start + 6])
        else { return false }
        return hours < 24 && minutes < 60
    }

    private static func isEmail(_ bytes: [UInt8]) -> Bool {
        guard bytes.count <= 254, let at = bytes.lastIndex(of: UInt8(ascii: "@")), (1...64).contains(at) else { return false }
        let local = bytes[..<at]
        let host = bytes[(at + 1)...]
        let atom = local.allSatisfy { $0 > 0x20 && $0 != 0x7F && !"\"(),:;<>@[\\]".utf8.contains($0) }
        let dot = UInt8(ascii: ".")
        guard atom, local.first != dot, local.last != dot, !local.contains(doubled: dot) else { return false }
        return host.contains(UInt8(ascii: ".")) && isHostname(host)
    }

    /// An absolute URI: scheme, colon, and only characters that RFC 3986 allows; with `//`, a host must follow.
    private static func isURI(_ bytes: [UInt8]) -> Bool {
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon + 1 < bytes.count, isLetter(bytes[0]) else { return false }
        guard bytes[..<colon].allSatisfy({ isLetter($0) || isDigit($0) || "+-.".utf8.contains($0) }) else { return false }
        let rest = bytes[(colon + 1)...]
        for (offset, byte) in rest.enumerated() {
            if byte <= 0x20 || byte >= 0x7F || "\"<>\\^`{|}".utf8.contains(byte) { return false }
            if byte == UInt8(ascii: "%") {
                let digits = rest.dropFirst(offset + 1).prefix(2)
                guard digits.count == 2, digits.allSatisfy(isHexDigit) else { return false }
            }
        }
        guard rest.starts(with: "//".utf8) else { return true }
        let authority = rest.dropFirst(2).prefix { !"/?#".utf8.contains($0) }
        let scheme = String(decoding: bytes[..<colon], as: UTF8.self).lowercased()
        return scheme == "file" || !authority.isEmpty && authority.first != UInt8(ascii: ":")
    }

    private static func isHostname(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard (1...253).contains(bytes.count) else { return false }
        return bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
        }
    }

    /// Four decimal numbers without leading zeros, which some readers take for octal.
    private static func isIPv4(_ bytes: ArraySlice<UInt8>) -> Bool {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard let value = number(part), value < 256 else { return false }
                return part.count == 1 || part.first != UInt8(ascii: "0")
            }
    }

    /// RFC 4291, section 2.2, without a zone.
    private static func isIPv6(_ bytes: ArraySlice<UInt8>) -> Bool {
        let colon = UInt8(ascii: ":")
        guard bytes.count >= 2, bytes.first != colon || bytes.starts(with: [colon, colon]) else { return false }
        guard bytes.last != colon || bytes.suffix(2).elementsEqual([colon, colon]) else { return false }
        var groups = bytes.split(separator: colon, omittingEmptySubsequences: false)
        // "::" at an end leaves two empty groups there, in the middle one.
        if bytes.starts(with: [colon, colon]) { groups.removeFirst() }
        if bytes.suffix(2).elementsEqual([colon, colon]) { groups.removeLast() }
        let gaps = groups.count(where: \.isEmpty)
        guard gaps <= 1 else { return false }
        var width = 0
        for (index, group) in groups.enumerated() where !group.isEmpty {
            if index == groups.count - 1, group.contains(UInt8(ascii: ".")) {
                guard isIPv4(group) else { return false }
                width += 2
            } else {
                guard group.count <= 4, group.allSatisfy(isHexDigit) else { return false }
                width += 1
            }
        }
        return gaps == 1 ? width < 8 : width == 8
    }

    private static func isCIDR(_ bytes: [UInt8]) -> Bool {
        guard let slash = bytes.firstIndex(of: UInt8(ascii: "/")), let length = number(bytes[(slash + 1)...]) else { return false }
        let digits = bytes[(slash + 1)...]
        guard digits.count == 1 || digits.first != UInt8(ascii: "0") else { return false }
        return isIPv4(bytes[..<slash]) && length <= 32 || isIPv6(bytes[..<slash]) && length <= 128
    }
}

extension Collection<UInt8> {
    fileprivate func contains(doubled byte: UInt8) -> Bool {
        zip(self, dropFirst()).contains { $0 == byte && $1 == byte }
    }
}
