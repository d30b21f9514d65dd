import Faults
import HTTPClient
import Testing

@Suite struct AddressGuardTests {
    private let addressGuard = AddressGuard()

    @Test(arguments: AddressCorpus.refused)
    func `an address that is not public is refused for what it is`(text: String, refusal: AddressGuard.Refusal) throws {
        #expect(addressGuard.refusal(of: try #require(IPAddress(text))) == refusal)
    }

    @Test(arguments: AddressCorpus.allowed)
    func `a public address is allowed`(text: String) throws {
        #expect(addressGuard.refusal(of: try #require(IPAddress(text))) == nil)
    }

    @Test func `one bad address among good ones refuses all`() throws {
        let good = try #require(IPAddress("8.8.8.8"))
        let bad = try #require(IPAddress("10.0.0.1"))
        #expect(addressGuard.refusal(ofAny: [good, bad]) == .privateNetwork)
        #expect(addressGuard.refusal(ofAny: [bad, good]) == .privateNetwork)
        #expect(addressGuard.refusal(ofAny: [good, good]) == nil)
    }

    @Test func `an opened network is open and nothing beside it`() throws {
        let opened = AddressGuard(allowedNetworks: [try Network("127.0.0.0/30"), try Network("fd00:1::/32")])
        let open = ["127.0.0.1", "127.0.0.3", "::ffff:127.0.0.1", "fd00:1::5"]
        let closed = ["127.0.0.4", "10.0.0.1", "::ffff:127.0.0.4", "::1", "fd00:2::5", "64:ff9b::127.0.0.1", "::127.0.0.1", "2002:7f00:1::"]
        for text in open { #expect(opened.refusal(of: try #require(IPAddress(text))) == nil, "\(text)") }
        for text in closed { #expect(opened.refusal(of: try #require(IPAddress(text))) != nil, "\(text)") }
    }

    @Test func `no IPv6 address outside 2000::/3 passes`() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<20_000 {
            let high = random.next()
            if high >> 61 == 1 { continue }
            #expect(addressGuard.refusal(of: .v6(high: high, low: random.next())) != nil, "seed \(seed)")
        }
    }

    @Test func `no IPv6 address that carries an IPv4 address passes`() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<5000 {
            let inner = UInt64(UInt32(truncatingIfNeeded: random.next()))
            let carriers: [IPAddress] = [
                .v6(high: 0, low: 0xFFFF << 32 | inner), .v6(high: 0, low: inner), .v6(high: 0x0064_FF9B << 32, low: inner),
                .v6(high: 0x2002 << 48 | inner << 16, low: random.next()), .v6(high: 0x2001_0000 << 32 | inner, low: random.next()),
            ]
            for carrier in carriers { #expect(addressGuard.refusal(of: carrier) != nil, "seed \(seed), \(carrier)") }
        }
    }

    @Test func `IPv4 is judged by a table written a second time`() {
        // The reference is slow and plain: first octets, then second ones, as the registries print them.
        func isPublic(_ value: UInt32) -> Bool {
            let (one, two, three) = (value >> 24, value >> 16 & 255, value >> 8 & 255)
            switch (one, two, three) {
            case (0, _, _), (10, _, _), (127, _, _), (224..., _, _), (169, 254, _), (192, 168, _), (172, 16...31, _), (100, 64...127, _),
                (198, 18...19, _):
                return false
            case (192, 0, 0), (192, 0, 2), (192, 88, 99), (198, 51, 100), (203, 0, 113): return false
            default: return value != 0xA83F_8110
            }
        }
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let edges = (0..<65_536).flatMap { [UInt32($0) << 16, UInt32($0) << 16 | 0xFFFF] }
        let drawn = (0..<50_000).map { _ in UInt32(truncatingIfNeeded: random.next()) }
        let special =
            [0xC000_0000, 0xC000_00FF, 0xC000_0100, 0xC000_0200, 0xC058_6300, 0xC633_6400, 0xCB00_7100, 0xA83F_8110, 0xA83F_8111] as [UInt32]
        let wrong = (edges + drawn + special).filter { (addressGuard.refusal(of: .v4($0)) == nil) != isPublic($0) }
        #expect(wrong.isEmpty, "seed \(seed), \(wrong.prefix(5).map { IPAddress.v4($0) })")
    }
}
