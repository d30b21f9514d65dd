/// A range of addresses, written as CIDR: `10.0.0.0/8`, `fd00::/8`; an address alone is a range of one.
package struct Network: Hashable, Sendable {
    /// The first address; its bits after the prefix are zero.
    package let base: IPAddress
    /// How many leading bits the addresses of the range share.
    package let prefix: Int

    /// Reads one range.
    ///
    /// Strict: an address with bits set behind the prefix (`10.1.2.3/8`) is a typing error that would open more, or other, than was meant. An IPv4-mapped
    /// range (`::ffff:10.0.0.0/104`) becomes the IPv4 range, because addresses are compared unmapped.
    ///
    /// - Throws: what is wrong with the text, as a sentence for the operator.
    package init(_ text: String) throws(Invalid) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(first) else {
            throw Invalid("\"\(text)\" does not begin with an IPv4 or IPv6 address")
        }
        var bits = address.width
        if parts.count == 2 {
            let digits = parts[1].utf8
            let isPlain =
                (1...3).contains(digits.count) && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
                && (digits.count == 1 || digits.first != UInt8(ascii: "0"))
            guard isPlain, let number = Int(parts[1]), number <= address.width else {
                throw Invalid("the prefix of \"\(text)\" is not a number from 0 to \(address.width)")
            }
            bits = number
        }
        if case .v4 = address.unmapped, address.width == 128 {
            guard bits >= 96 else { throw Invalid("\"\(text)\" is wider than the IPv4-mapped range; write it as IPv4") }
            self.init(address.unmapped, prefix: bits - 96)
        } else {
            self.init(address, prefix: bits)
        }
        guard base == address.unmapped else { throw Invalid("\"\(text)\" has bits set behind its prefix; did you mean \"\(self)\"?") }
    }

    /// The range around an address; bits behind the prefix are cleared.
    init(_ address: IPAddress, prefix: Int) {
        self.prefix = prefix
        switch address {
        case .v4(let value):
            base = .v4(prefix == 0 ? 0 : value & ~UInt32(0) << UInt32(32 - prefix))
        case .v6(let high, let low):
            let highMask = prefix == 0 ? 0 : ~UInt64(0) << UInt64(64 - min(prefix, 64))
            let lowMask = prefix <= 64 ? 0 : ~UInt64(0) << UInt64(128 - prefix)
            base = .v6(high: high & highMask, low: low & lowMask)
        }
    }

    /// True when the address, unmapped, lies in the range.
    package func contains(_ address: IPAddress) -> Bool { base.shares(prefix, with: address.unmapped) }

    /// Why a text is not a network.
    package struct Invalid: Error, Hashable, CustomStringConvertible {
        package let description: String

        init(_ description: String) { self.description = description }
    }
}

extension Network: CustomStringConvertible {
    package var description: String { "\(base)/\(prefix)" }
}
