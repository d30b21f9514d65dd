import HTTPClient
import Testing

@Suite struct NetworkTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"), ("192.168.1.0/24", "192.168.1.77", "192.168.2.0"), ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
        ("127.0.0.1/32", "127.0.0.1", "127.0.0.0"), ("0.0.0.0/0", "8.8.8.8", "::1"), ("128.0.0.0/1", "255.0.0.0", "127.255.255.255"),
        ("::/0", "2001:db8::1", "1.2.3.4"), ("fd00::/8", "fdff::1", "fe00::"), ("2001:db8::/63", "2001:db8:0:1::", "2001:db8:0:2::"),
        ("2001:db8::/65", "2001:db8::7fff:0:0:0", "2001:db8::8000:0:0:0"), ("::1", "::1", "::2"),
        ("2001:db8::/64", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::"),
        ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"), ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"), ("::ffff:0:0/96", "1.2.3.4", "::1"),
    ])
    func `a network contains its addresses and no others`(network: String, inside: String, outside: String) throws {
        let network = try Network(network)
        #expect(network.contains(try #require(IPAddress(inside))))
        #expect(!network.contains(try #require(IPAddress(outside))))
    }

    @Test(arguments: [
        "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8/8", "10.0.0.0/ 8", "10.0.0.0 /8",
        "10.0.0/8", "10/8",
        "10.0.0.0/255.0.0.0", "::/129", "fd00::/", "fd00::/x", "host/8", "10.1.0.0/8", "10.0.0.1/24", "fd00::1/8", "2001:db8::1/64", "::ffff:0:0/95",
        "::ffff:10.1.0.0/104", "010.0.0.0/8",
    ])
    func `a text that is not exactly a network is refused`(text: String) {
        #expect(throws: Network.Invalid.self) { try Network(text) }
    }

    @Test func `bits behind the prefix are answered with what was probably meant`() {
        #expect { try Network("10.1.2.3/8") } throws: { error in
            "\(error)".contains("did you mean \"10.0.0.0/8\"")
        }
    }

    @Test func `a network is written as it is read`() throws {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "127.0.0.1/32", "fd00::/8", "::/0", "2001:db8::/33"] {
            #expect(try Network(text).description == text)
        }
    }
}
