import Business
import Testing

struct AddressRangeTests {
    @Test(arguments: [
        ("203.0.113.7", "203.0.113.7"), ("203.0.113.0/24", "203.0.113.0/24"), ("0.0.0.0/0", "0.0.0.0/0"), ("203.0.113.7/32", "203.0.113.7"),
        ("2001:db8::/32", "2001:db8:0:0:0:0:0:0/32"), ("2001:DB8::1", "2001:db8:0:0:0:0:0:1"), ("::", "0:0:0:0:0:0:0:0"),
        ("::ffff:203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.0/120", "203.0.113.0/24"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("64:ff9b::192.0.2.1", "64:ff9b:0:0:0:0:c000:201"),
    ])
    func `an address or range is read`(text: String, written: String) throws {
        #expect(try AddressRange(text).text == written)
    }

    @Test(arguments: [
        "", "203.0.113", "203.0.113.256", "203.0.113.07", "203.0.113.7 ", "203.0.113.0/33", "203.0.113.0/", "203.0.113.0/024", "203.0.113.0/-1",
        "203.0.113.0/24/24", "203.0.113.7/24", "office", "2001:db8::1::2", "2001:db8:::1", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7", "12345::", "g::",
        "fe80::1%eth0", "[::1]", "2001:db8::/129", "2001:db8::1/32", "1.2.3.4::", "+1.2.3.4", ":1:2:3:4:5:6:7", "::ffff:203.0.113.0/95",
    ])
    func `what is no range is refused with its place`(text: String) {
        let error = #expect(throws: BusinessError.self) { try AddressRange.list(["192.0.2.1", text]) }
        #expect(error?.code == "invalid_ip_range")
        #expect(error?.field == "/allowedIps/1")
    }

    @Test func `a range with bits beyond its prefix is told what it may have meant`() {
        let error = #expect(throws: BusinessError.self) { try AddressRange("203.0.113.7/24") }
        #expect(error?.message.contains("203.0.113.0/24") == true)
    }

    @Test func `fifty ranges are the most`() throws {
        let fifty = (0..<50).map { "192.0.2.\($0)" }
        #expect(try AddressRange.list(fifty).count == 50)
        #expect(throws: BusinessError.self) { try AddressRange.list(fifty + ["192.0.2.99"]) }
    }

    @Test func `an origin knows who counts as one sender`() {
        #expect(Origin(ip: "::ffff:192.0.2.1").limitKey == "192.0.2.1")
        #expect(Origin(ip: "2001:db8:1:2:3:4:5:6").limitKey == Origin(ip: "2001:db8:1:2:9:9:9:9%eth0").limitKey)
        #expect(Origin(ip: "2001:db8:1:2::1").limitKey != Origin(ip: "2001:db8:1:3::1").limitKey)
        #expect(Origin(ip: "nonsense").address == nil)
    }
}
