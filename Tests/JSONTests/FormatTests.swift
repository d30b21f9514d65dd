import JSON
import Testing

@Suite struct FormatTests {
    static let cases: [(format: Format, valid: [String], invalid: [String])] = [
        (
            .uuid, ["0192f0c1-d2e3-7abc-8def-0123456789ab", "0192F0C1-D2E3-7ABC-8DEF-0123456789AB"],
            ["", "0192f0c1d2e37abc8def0123456789ab", "0192f0c1-d2e3-7abc-8def-0123456789ag", "0192f0c1-d2e3-7abc-8def0-123456789ab"]
        ),
        (
            .date, ["2027-01-31", "2028-02-29", "2000-02-29"],
            ["2027-02-29", "1900-02-29", "2027-13-01", "2027-00-01", "2027-1-1", "2027-04-31", "2027-01-32"]
        ),
        (
            .dateTime,
            [
                "2027-01-31T12:00:00Z", "2027-01-31t12:00:00.123456z", "2027-01-31T23:59:60Z", "2027-01-31T12:00:00+02:00",
                "2027-01-31T12:00:00.5-11:30",
            ],
            [
                "2027-01-31", "2027-01-31T12:00:00", "2027-01-31 12:00:00Z", "2027-01-31T24:00:00Z", "2027-01-31T12:60:00Z", "2027-01-31T12:00:61Z",
                "2027-01-31T12:00:00.Z", "2027-01-31T12:00:00+2:00", "2027-01-31T12:00:00+24:00", "2027-01-31T12:00:00ZZ", "2027-01-31T12:00:60Z",
            ]
        ),
        (
            .email, ["a@b.example", "first.last+tag@mail.example.org", "ü@b.example"],
            [
                "", "a", "@b.example", "a@", "a@b", "a@@b.example", "a b@c.example", ".a@b.example", "a.@b.example", "a..b@c.example", "a@-b.example",
                "a@b..c", "a@b.example\n",
            ]
        ),
        (
            .uri,
            ["https://example.org/a?b=c#d", "mailto:a@b.example", "urn:uuid:x", "http://[::1]:8080/", "file:///tmp/x", "https://example.org/%20"],
            [
                "", "example.org", "/a", "https://", "https://:80", "https://exa mple.org", "1http://a", "https://a/%2", "https://a/\u{e9}", "http:",
                ":a",
            ]
        ),
        (.hostname, ["a", "a-b.example", "127.0.0.1"], ["", "-a", "a-", "a..b", "a_b", ".", String(repeating: "a", count: 64)]),
        (
            .ipv4, ["0.0.0.0", "127.0.0.1", "255.255.255.255"],
            ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.", "1.2.3.a", "1..2.3", "+1.2.3.4"]
        ),
        (
            .ipv6, ["::", "::1", "1::", "2001:db8::1", "1:2:3:4:5:6:7:8", "::ffff:10.0.0.1", "1:2:3:4:5:6:1.2.3.4", "1::3:4:5:6:7:8", "FE80::A"],
            [
                "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", ":1::", "1:2:3:4:5:6:7:", ":2:3:4:5:6:7:8",
                "::1.2.3",
                "1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "1::2:3:4:5:6:7:8", "fe80::1%eth0", "::1.2.3.4:1",
            ]
        ),
        (
            .cidr, ["10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::/32", "::1/128"],
            ["10.0.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/", "/8", "10.0.0.0/08", "10.0.0.0/-1", "a/8"]
        ),
    ]

    @Test(arguments: cases) func `formats accept and refuse`(format: Format, valid: [String], invalid: [String]) {
        for text in valid { #expect(format.matches(text), "\(format) \(text)") }
        for text in invalid { #expect(!format.matches(text), "\(format) \(text)") }
    }

    @Test func `spelling finds what was meant, and keeps quiet about the rest`() {
        let words = ["amount", "currency", "note", "database.url"]
        #expect(Spelling.nearest(to: "amout", among: words) == "amount")
        #expect(Spelling.nearest(to: "AMOUNT", among: words) == "amount")
        #expect(Spelling.nearest(to: "curency", among: words) == "currency")
        #expect(Spelling.nearest(to: "ntoe", among: words) == "note")
        #expect(Spelling.nearest(to: "databas.url", among: words) == "database.url")
        #expect(Spelling.nearest(to: "x", among: words) == nil)
        #expect(Spelling.nearest(to: "", among: words) == nil)
        #expect(Spelling.nearest(to: String(repeating: "a", count: 1000), among: words) == nil)
    }
}
