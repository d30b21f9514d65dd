extension AddressGuard {
    struct Entry {
        let network: Network
        let refusal: Refusal

        init(_ base: IPAddress, _ prefix: Int, _ refusal: Refusal) {
            network = Network(base, prefix: prefix)
            self.refusal = refusal
        }
    }

    /// 2000::/3, the only IPv6 range that is assigned to the public (RFC 4291 2.4, IANA's IPv6 address space registry).
    static let globalUnicast = Network(v6(0x2000), prefix: 3)

    /// The special-purpose ranges; the first that matches names the reason, so narrow ones stand before wide ones.
    ///
    /// Sources: IANA's IPv4 and IPv6 special-purpose address registries; RFC numbers beside each line.
    static let refused: [Entry] = [
        Entry(v4(0, 0, 0, 0), 32, .unspecified),
        Entry(v4(0, 0, 0, 0), 8, .reserved),  // "this network", RFC 791; Linux connects 0.0.0.0 to itself
        Entry(v4(10, 0, 0, 0), 8, .privateNetwork),  // RFC 1918
        Entry(v4(100, 100, 100, 200), 32, .platform),  // Alibaba's metadata, inside the shared space
        Entry(v4(100, 64, 0, 0), 10, .sharedAddressSpace),  // RFC 6598
        Entry(v4(127, 0, 0, 0), 8, .loopback),  // RFC 1122
        Entry(v4(168, 63, 129, 16), 32, .platform),  // Azure's host agent: looks public, is not
        Entry(v4(169, 254, 0, 0), 16, .linkLocal),  // RFC 3927; metadata of most clouds at 169.254.169.254
        Entry(v4(172, 16, 0, 0), 12, .privateNetwork),  // RFC 1918
        Entry(v4(192, 0, 0, 0), 24, .reserved),  // protocol assignments, RFC 6890; Oracle's metadata at .192
        Entry(v4(192, 0, 2, 0), 24, .documentation),  // RFC 5737
        Entry(v4(192, 88, 99, 0), 24, .translated),  // 6to4 relays, RFC 7526
        Entry(v4(192, 168, 0, 0), 16, .privateNetwork),  // RFC 1918
        Entry(v4(198, 18, 0, 0), 15, .benchmarking),  // RFC 2544
        Entry(v4(198, 51, 100, 0), 24, .documentation),  // RFC 5737
        Entry(v4(203, 0, 113, 0), 24, .documentation),  // RFC 5737
        Entry(v4(224, 0, 0, 0), 4, .multicast),  // RFC 5771
        Entry(v4(240, 0, 0, 0), 4, .reserved),  // RFC 1112, with the broadcast address, RFC 919

        Entry(.v6(high: 0, low: 0), 128, .unspecified),
        Entry(.v6(high: 0, low: 1), 128, .loopback),
        Entry(.v6(high: 0, low: 0xFFFF_0000_0000), 96, .translated),  // IPv4-mapped, RFC 4291 2.5.5.2
        Entry(.v6(high: 0, low: 0xFFFF_0000_0000_0000), 96, .translated),  // IPv4-translated, RFC 2765
        Entry(.v6(high: 0, low: 0), 96, .translated),  // IPv4-compatible, RFC 4291 2.5.5.1
        Entry(v6(0x0064, 0xFF9B), 96, .translated),  // NAT64, RFC 6052
        Entry(v6(0x0064, 0xFF9B, 1), 48, .translated),  // local NAT64, RFC 8215
        Entry(v6(0x0100), 64, .reserved),  // discard only, RFC 6666
        Entry(v6(0x2001, 0), 32, .translated),  // Teredo, RFC 4380
        Entry(v6(0x2001, 2, 0), 48, .benchmarking),  // RFC 5180
        Entry(v6(0x2001, 0), 23, .reserved),  // protocol assignments, RFC 2928; ORCHID 2001:10::/28, ORCHIDv2 2001:20::/28, DRIP 2001:30::/28
        Entry(v6(0x2001, 0x0DB8), 32, .documentation),  // RFC 3849
        Entry(v6(0x2002), 16, .translated),  // 6to4, RFC 3056
        Entry(v6(0x3FFF), 20, .documentation),  // RFC 9637
        Entry(v6(0xFC00), 7, .privateNetwork),  // unique local, RFC 4193; metadata of AWS and Google at fd00:ec2::254, fd20:ce::254
        Entry(v6(0xFE80), 10, .linkLocal),  // RFC 4291
        Entry(v6(0xFEC0), 10, .privateNetwork),  // site-local, RFC 3879
        Entry(v6(0xFF00), 8, .multicast),  // RFC 4291
    ]

    private static func v4(_ one: UInt32, _ two: UInt32, _ three: UInt32, _ four: UInt32) -> IPAddress {
        .v4(one << 24 | two << 16 | three << 8 | four)
    }

    private static func v6(_ one: UInt64, _ two: UInt64 = 0, _ three: UInt64 = 0) -> IPAddress {
        .v6(high: one << 48 | two << 32 | three << 16, low: 0)
    }
}
