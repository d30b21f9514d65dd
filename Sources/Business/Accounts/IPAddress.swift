/// An IPv4 or IPv6 address, read strictly.
///
/// Our own reader and not the system's: `inet_aton` takes `010.1` and `1.2.3` for addresses, and a rule about addresses must mean what it shows. An IPv4
/// address in IPv6's clothes (`::ffff:192.0.2.1`, as a dual-stack socket reports it) is the IPv4 address, else an allowed range would not match it.
package struct IPAddress: Hashable, Sendable {
    /// Four bytes or sixteen, in network order.
    package let bytes: [UInt8]

    package var isVersion6: Bool { bytes.count == 16 }

    /// How many bits it has.
    var width: Int { bytes.count * 8 }

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Reads dotted decimals without leading zeros, or the forms of RFC 4291, section 2.2; no brackets, no zone.
    package init?(_ text: some StringProtocol) {
        if let version4 = Self.version4(text) {
            bytes = version4
        } else if let version6 = Self.version6(text) {
            bytes = version6.starts(with: Self.mapped) ? Array(version6[12...]) : version6
        } else {
            return nil
        }
    }

    /// The address whose bits beyond the prefix are zero.
    func masked(to prefix: Int) -> IPAddress {
        var masked = bytes
        for index in masked.indices {
            let kept = min(max(prefix - index * 8, 0), 8)
            masked[index] &= UInt8(truncatingIfNeeded: 0xFF00 >> kept)
        }
        return IPAddress(bytes: masked)
    }

    private static let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]

    private static func version4(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (48...57).contains($0) }), part == "0" || part.first != "0",
                let byte = UInt8(part)
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func version6(_ text: some StringProtocol) -> [UInt8]? {
        guard text.utf8.count <= 45, text.contains(":") else { return nil }
        guard let gap = text.firstRange(of: "::") else {
            guard let bytes = groups(text), bytes.count == 16 else { return nil }
            return bytes
        }
        guard let before = groups(text[..<gap.lowerBound], mayHoldVersion4: false), let after = groups(text[gap.upperBound...]),
            before.count + after.count <= 14
        else { return nil }
        return before + [UInt8](repeating: 0, count: 16 - before.count - after.count) + after
    }

    /// The bytes of groups with a colon between; the last may be dotted decimals.
    private static func groups(_ text: some StringProtocol, mayHoldVersion4: Bool = true) -> [UInt8]? {
        guard !text.isEmpty else { return [] }
        var bytes: [UInt8] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if mayHoldVersion4, index == parts.count - 1, part.contains(".") {
                guard let version4 = version4(part) else { return nil }
                bytes += version4
            } else {
                guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy(isHexadecimal), let group = UInt16(part, radix: 16) else { return nil }
                bytes += [UInt8(group >> 8), UInt8(group & 0xFF)]
            }
        }
        return bytes
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): true
        default: false
        }
    }
}

extension IPAddress: CustomStringConvertible {
    /// Dotted decimals, or eight groups without the abbreviation `::`; PostgreSQL reads both.
    package var description: String {
        guard isVersion6 else { return bytes.map { String($0) }.joined(separator: ".") }
        return stride(from: 0, to: 16, by: 2).map { String(Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]), radix: 16) }.joined(separator: ":")
    }
}
