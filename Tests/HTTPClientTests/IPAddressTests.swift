import Faults
import HTTPClient
import Testing

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("8.8.4.4", "8.8.4.4"),
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:DB8::A", "2001:db8::a"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"), ("::ffff:1.2.3.4", "::ffff:102:304"),
        ("64:ff9b::10.0.0.1", "64:ff9b::a00:1"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
    ])
    func `an address is read and written in its canonical form`(text: String, canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
    }

    @Test(arguments: [
        "", ".", "1", "1.2", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.1.1.1", "01.2.3.4", "0177.0.0.1", "0x7f.0.0.1", "1.2.3.4 ",
        " 1.2.3.4",
        "+1.2.3.4", "1.2.3.-4", "1.2.3.4/8", "1.2.3.0x4", "1.2.3.٤", ":", ":::", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::",
        "g::", "::1%lo",
        "::1%25lo", "[::1]", "1:2:3:4:5:6:7::8:9", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "::01.2.3.4",
        "::ffff:1.2.3.256",
        "1:2:3:4:5:6:7:1.2.3.4", "::/0", "fe80::1 ",
    ])
    func `what is not written exactly as an address is none`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func `every address survives being written and read`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<5000 {
            // Sparse bits make runs of zeros, which is where the short form is difficult.
            let sparse = random.next() & random.next() & random.next()
            let address =
                random.next() % 2 == 0
                ? IPAddress.v4(UInt32(truncatingIfNeeded: random.next())) : .v6(high: sparse, low: random.next() & random.next())
            #expect(IPAddress(address.description) == address, "seed \(seed), \(address)")
        }
    }

    @Test func `bytes in network order make the address`() {
        #expect(IPAddress(bytes: [10, 1, 2, 3]) == IPAddress("10.1.2.3"))
        #expect(IPAddress(bytes: [0x20, 0x01, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [1]) == IPAddress("2001:db8::1"))
        #expect(IPAddress(bytes: [1, 2, 3]) == nil)
        #expect(IPAddress(bytes: []) == nil)
    }
}
