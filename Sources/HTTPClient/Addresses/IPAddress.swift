/// An IPv4 or IPv6 address as a value, without port, zone or name.
///
/// Kept as numbers, so that prefixes are compared with shifts and nothing depends on how somebody wrote the address down.
package enum IPAddress: Hashable, Sendable {
    case v4(UInt32)
    case v6(high: UInt64, low: UInt64)

    /// An address from its bytes in network order; nil unless there are 4 or 16.
    package init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4:
            self = .v4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            let high = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let low = bytes.dropFirst(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            self = .v6(high: high, low: low)
        default:
            return nil
        }
    }

    /// How many bits the address has: 32 or 128.
    package var width: Int {
        if case .v4 = self { 32 } else { 128 }
    }

    /// The IPv4 address inside an IPv4-mapped IPv6 address (`::ffff:a.b.c.d`), else the address itself.
    ///
    /// The kernel connects to the IPv4 address when it is given the mapped one, so both must be judged as one.
    package var unmapped: IPAddress {
        guard case .v6(0, let low) = self, low >> 32 == 0xFFFF else { return self }
        return .v4(UInt32(truncatingIfNeeded: low))
    }

    /// True when the first `bits` bits are the same; addresses of different families share nothing.
    func shares(_ bits: Int, with other: IPAddress) -> Bool {
        switch (self, other) {
        case (.v4(let one), .v4(let two)):
            bits == 0 || (one ^ two) >> UInt32(32 - bits) == 0
        case (.v6(let high, let low), .v6(let otherHigh, let otherLow)):
            if bits == 0 {
                true
            } else if bits <= 64 {
                (high ^ otherHigh) >> UInt64(64 - bits) == 0
            } else {
                high == otherHigh && (low ^ otherLow) >> UInt64(128 - bits) == 0
            }
        default:
            false
        }
    }
}

extension IPAddress: CustomStringConvertible {
    /// Dotted decimal, or the canonical form of RFC 5952.
    package var description: String {
        switch self {
        case .v4(let value):
            return "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
        case .v6(let high, let low):
            let groups = [high, low].flatMap { half in (0..<4).map { UInt16(truncatingIfNeeded: half >> UInt64(48 - 16 * $0)) } }
            guard let zeros = Self.longestZeros(groups) else { return Self.join(groups[...]) }
            return Self.join(groups[..<zeros.lowerBound]) + "::" + Self.join(groups[zeros.upperBound...])
        }
    }

    private static func join(_ groups: ArraySlice<UInt16>) -> String {
        groups.map { String($0, radix: 16) }.joined(separator: ":")
    }

    /// The first of the longest runs of at least two zero groups.
    private static func longestZeros(_ groups: [UInt16]) -> Range<Int>? {
        var longest = 0..<0
        var start: Int?
        for index in 0...groups.count {
            if index < groups.count, groups[index] == 0 {
                start = start ?? index
            } else if let from = start {
                if index - from > longest.count { longest = from..<index }
                start = nil
            }
        }
        return longest.count > 1 ? longest : nil
    }
}
