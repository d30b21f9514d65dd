internal import Postgres

/// A range of addresses from which somebody may come: `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/32`.
///
/// Read by ourselves before PostgreSQL's `cidr` sees it, so that a mistake names the entry and what would be right. A range whose address has bits beyond its
/// prefix is refused and not cut: it is as likely a slip in the address as in the prefix.
package struct AddressRange: Hashable, Sendable {
    package let address: IPAddress
    package let prefix: Int

    /// How many entries a list may have.
    package static let most = 50

    /// Reads one range.
    ///
    /// - Throws: `invalid_ip_range`.
    package init(_ text: String, field: String = "/allowedIps") throws(BusinessError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(parts[0]) else {
            throw Self.refusal(text, "is no IPv4 or IPv6 address or range, as 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32", field)
        }
        guard parts.count == 2 else {
            self.init(address: address, prefix: address.width)
            return
        }
        let digits = parts[1]
        guard (1...3).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }), digits == "0" || digits.first != "0",
            let written = Int(digits)
        else { throw Self.refusal(text, "has no prefix length after the /", field) }
        // ::ffff:192.0.2.0/120 is 192.0.2.0/24.
        let prefix = parts[0].contains(":") && !address.isVersion6 ? written - 96 : written
        guard (0...address.width).contains(prefix) else {
            throw Self.refusal(text, "has a prefix length that is not between 0 and \(address.width)", field)
        }
        guard address.masked(to: prefix) == address else {
            let network = AddressRange(address: address.masked(to: prefix), prefix: prefix)
            throw Self.refusal(text, "has bits beyond its prefix: write \(network.text) for the range or \(address) for the one address", field)
        }
        self.init(address: address, prefix: prefix)
    }

    /// Reads a list, without its repetitions.
    ///
    /// - Throws: `too_many_ip_ranges`; `invalid_ip_range` with the entry's field, `/allowedIps/3`.
    package static func list(_ texts: [String], field: String = "/allowedIps") throws(BusinessError) -> [AddressRange] {
        guard texts.count <= most else {
            throw BusinessError(.invalid, "too_many_ip_ranges", "At most \(most) addresses or ranges can be allowed.", field: field)
        }
        var ranges: [AddressRange] = []
        for (index, text) in texts.enumerated() {
            let range = try AddressRange(text, field: "\(field)/\(index)")
            if !ranges.contains(range) { ranges.append(range) }
        }
        return ranges
    }

    private init(address: IPAddress, prefix: Int) {
        self.address = address
        self.prefix = prefix
    }

    /// As people write it: a single address without its prefix length.
    package var text: String { prefix == address.width ? "\(address)" : "\(address)/\(prefix)" }

    /// As PostgreSQL's `cidr` takes it.
    var cidr: String { "\(address)/\(prefix)" }

    /// A stored list as people write it.
    static func texts(_ stored: [NetworkAddress]) -> [String] {
        stored.map { network in
            let text = network.text
            let whole = text.contains(":") ? "/128" : "/32"
            return text.hasSuffix(whole) ? String(text.dropLast(whole.count)) : text
        }
    }

    private static func refusal(_ text: String, _ problem: String, _ field: String) -> BusinessError {
        BusinessError(.invalid, "invalid_ip_range", "\"\(text.prefix(60))\" \(problem).", field: field)
    }
}
