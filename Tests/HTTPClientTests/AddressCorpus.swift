import HTTPClient

/// Addresses with what they are; edges of each range from both sides.
enum AddressCorpus {
    static let refused: [(String, AddressGuard.Refusal)] = [
        ("0.0.0.0", .unspecified), ("0.0.0.1", .reserved), ("0.255.255.255", .reserved),
        ("10.0.0.0", .privateNetwork), ("10.0.0.1", .privateNetwork), ("10.255.255.255", .privateNetwork),
        ("100.64.0.0", .sharedAddressSpace), ("100.127.255.255", .sharedAddressSpace), ("100.100.100.200", .platform),
        ("127.0.0.0", .loopback), ("127.0.0.1", .loopback), ("127.0.0.53", .loopback), ("127.255.255.255", .loopback),
        ("168.63.129.16", .platform),
        ("169.254.0.0", .linkLocal), ("169.254.169.254", .linkLocal), ("169.254.170.2", .linkLocal), ("169.254.255.255", .linkLocal),
        ("172.16.0.0", .privateNetwork), ("172.17.0.1", .privateNetwork), ("172.31.255.255", .privateNetwork),
        ("192.0.0.0", .reserved), ("192.0.0.1", .reserved), ("192.0.0.170", .reserved), ("192.0.0.192", .reserved), ("192.0.0.255", .reserved),
        ("192.0.2.0", .documentation), ("192.0.2.255", .documentation), ("192.88.99.1", .translated),
        ("192.168.0.0", .privateNetwork), ("192.168.1.1", .privateNetwork), ("192.168.255.255", .privateNetwork),
        ("198.18.0.0", .benchmarking), ("198.19.255.255", .benchmarking), ("198.51.100.0", .documentation), ("198.51.100.255", .documentation),
        ("203.0.113.0", .documentation), ("203.0.113.255", .documentation),
        ("224.0.0.0", .multicast), ("224.0.0.1", .multicast), ("239.255.255.255", .multicast),
        ("240.0.0.0", .reserved), ("250.1.2.3", .reserved), ("255.255.255.254", .reserved), ("255.255.255.255", .reserved),

        ("::", .unspecified), ("::1", .loopback), ("::2", .translated), ("::127.0.0.1", .translated), ("::8.8.8.8", .translated),
        ("::ffff:127.0.0.1", .translated), ("::ffff:10.0.0.1", .translated), ("::ffff:169.254.169.254", .translated), ("::ffff:8.8.8.8", .translated),
        ("::ffff:0.0.0.0", .translated), ("::ffff:0:127.0.0.1", .translated), ("::fffe:1.2.3.4", .reserved),
        ("64:ff9b::", .translated), ("64:ff9b::127.0.0.1", .translated), ("64:ff9b::8.8.8.8", .translated), ("64:ff9b:1::1", .translated),
        ("64:ff9b:1:ffff::10.0.0.1", .translated), ("64:ff9b:2::1", .reserved), ("100::", .reserved), ("100::1", .reserved),
        ("100:0:0:1::1", .reserved),
        ("200::1", .reserved), ("1000::1", .reserved), ("1fff:ffff::1", .reserved),
        ("2001::", .translated), ("2001:0:4136:e378:8000:63bf:3fff:fdd2", .translated), ("2001:1::1", .reserved), ("2001:2::1", .benchmarking),
        ("2001:2:0:ffff::1", .benchmarking), ("2001:2:1::1", .reserved), ("2001:3::1", .reserved), ("2001:4:112::1", .reserved),
        ("2001:10::1", .reserved), ("2001:1f:ffff::1", .reserved), ("2001:20::1", .reserved), ("2001:2f::1", .reserved), ("2001:30::1", .reserved),
        ("2001:1ff:ffff::1", .reserved), ("2001:db8::", .documentation), ("2001:db8:ffff::1", .documentation),
        ("2002::1", .translated), ("2002:7f00:1::", .translated), ("2002:a00:1::1", .translated), ("2002:808:808::1", .translated),
        ("3fff::1", .documentation), ("3fff:fff:ffff::1", .documentation), ("4000::1", .reserved), ("5f00::1", .reserved), ("8000::1", .reserved),
        ("e000::1", .reserved), ("fbff::1", .reserved),
        ("fc00::1", .privateNetwork), ("fd00::1", .privateNetwork), ("fd00:ec2::254", .privateNetwork), ("fd20:ce::254", .privateNetwork),
        ("fdff:ffff::1", .privateNetwork), ("fe00::1", .reserved), ("fe7f::1", .reserved), ("fe80::", .linkLocal), ("fe80::1", .linkLocal),
        ("febf:ffff::1", .linkLocal), ("fec0::1", .privateNetwork), ("feff::1", .privateNetwork), ("ff00::", .multicast), ("ff01::1", .multicast),
        ("ff02::1", .multicast), ("ff0e::1", .multicast), ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .multicast),
    ]

    static let allowed = [
        "1.0.0.1", "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "93.184.216.34", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0",
        "192.0.3.0",
        "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0",
        "203.0.112.255",
        "203.0.114.0", "223.255.255.255",
        "2000::1", "2001:200::1", "2001:4860:4860::8888", "2001:db7:ffff::1", "2001:db9::1", "2003::1", "2400:cb00::1", "2606:4700::1111",
        "2a00:1450:4001::1",
        "3ffe:ffff::1", "3fff:1000::1",
    ]
}
