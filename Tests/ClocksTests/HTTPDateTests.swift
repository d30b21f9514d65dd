import Clocks
import Testing

@Suite struct HTTPDateTests {
    @Test(arguments: [
        ("Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"), ("Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"),
        ("Fri, 20 Nov 2026 17:55:50 GMT", "2026-11-20T17:55:50Z"), ("Thu, 29 Feb 2024 23:59:59 GMT", "2024-02-29T23:59:59Z"),
    ])
    func `a date is written and read`(text: String, rfc3339: String) throws {
        #expect(HTTPDate.text(try instant(rfc3339)) == text)
        #expect(HTTPDate.parse(text) == (try instant(rfc3339)))
    }

    @Test func `a leap second is the last second of its minute`() throws {
        #expect(HTTPDate.parse("Sat, 31 Dec 2016 23:59:60 GMT") == (try instant("2016-12-31T23:59:59Z")))
    }

    @Test(arguments: [
        "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 94 08:49:37 GMT", "Sun,  06 Nov 1994 08:49:37 GMT", "Thu, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ",
    ])
    func `every other form is refused`(text: String) {
        #expect(HTTPDate.parse(text) == nil)
    }

    @Test func `Retry-After is seconds or a date`() throws {
        let now = try instant("2026-11-20T17:55:50.5Z")
        #expect(RetryAfter.parse("120", now: now) == .seconds(120))
        #expect(RetryAfter.parse("0", now: now) == .zero)
        #expect(RetryAfter.parse("99999999999999999999999999", now: now) == .seconds(1 << 31))
        #expect(RetryAfter.parse("Fri, 20 Nov 2026 17:56:00 GMT", now: now) == .milliseconds(9500))
        #expect(RetryAfter.parse("Fri, 20 Nov 2026 17:55:50 GMT", now: now) == .zero)
        #expect(RetryAfter.parse("Sun, 06 Nov 1994 08:49:37 GMT", now: now) == .zero)
    }

    @Test(arguments: ["", "-1", "+1", "1.5", " 1", "1s", "soon", "٣"]) func `any other Retry-After is none`(text: String) {
        #expect(RetryAfter.parse(text, now: .now) == nil)
    }
}
