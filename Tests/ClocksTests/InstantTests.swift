import Clocks
import Faults
import Testing

@Suite struct InstantTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000000Z"),
            (1_795_197_350_123_456, "2026-11-20T17:55:50.123Z", "2026-11-20T17:55:50.123456Z"),
            (-1, "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000Z", "2000-02-29T00:00:00.000000Z"),
            (-62_167_219_200_000_000, "0000-01-01T00:00:00.000Z", "0000-01-01T00:00:00.000000Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999999Z"),
        ] as [(Int64, String, String)])
    func `instants are written with milliseconds, and precisely on demand`(microseconds: Int64, text: String, precise: String) {
        let instant = Instant(microseconds: microseconds)
        #expect(instant.text == text)
        #expect(instant.preciseText == precise)
        #expect(Instant(precise) == instant)
    }

    @Test(arguments: [
        ("1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.520Z"), ("1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57.000Z"),
        ("1990-12-31T23:59:60Z", "1991-01-01T00:00:00.000Z"), ("1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00.000Z"),
        ("1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.870Z"), ("2026-01-01T00:00:00+14:00", "2025-12-31T10:00:00.000Z"),
        ("2026-01-01T00:00:00-00:00", "2026-01-01T00:00:00.000Z"), ("2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00.123Z"),
    ])
    func `RFC 3339's examples and more are read`(text: String, utc: String) {
        #expect(Instant(text)?.text == utc)
    }

    @Test(arguments: [
        "", "2026-11-20", "2026-11-20T17:55:50", "2026-11-20 17:55:50Z", "2026-11-20t17:55:50Z", "2026-11-20T17:55:50z", "2026-11-20T17:55Z",
        "2026-11-20T17:55:50.Z", "2026-11-20T17:55:50,1Z", "2026-11-20T17:55:50.1234567890Z", "2026-11-20T24:00:00Z", "2026-11-20T17:60:00Z",
        "2026-11-20T17:55:60Z", "2026-11-20T23:59:61Z", "1990-12-31T23:59:60.5Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-11-31T00:00:00Z", "2026-11-00T00:00:00Z", "2026-11-20T17:55:50+0100", "2026-11-20T17:55:50+01", "2026-11-20T17:55:50+24:00",
        "2026-11-20T17:55:50+01:60", "2026-11-20T17:55:50Z ", " 2026-11-20T17:55:50Z", "26-11-20T17:55:50Z", "+2026-11-20T17:55:50Z",
        "2026-1-20T17:55:50Z", "2026-11-20T7:55:50Z", "٢026-11-20T17:55:50Z", "2026-11-20T17:55:50ZZ", "12026-11-20T17:55:50Z",
    ])
    func `anything else is refused`(text: String) {
        #expect(Instant(text) == nil)
    }

    @Test func `any instant of the first ten thousand years reads back`() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<5_000 {
            let instant = Instant(microseconds: .random(in: -62_167_219_200_000_000...253_402_300_799_999_999, using: &generator))
            #expect(Instant(instant.preciseText) == instant, "seed \(seed)")
        }
    }

    @Test func `arithmetic stops at the ends instead of trapping`() {
        let first = Instant(microseconds: .min)
        let last = Instant(microseconds: .max)
        #expect(last + .seconds(1) == last)
        #expect(first - .seconds(1) == first)
        #expect(first + .seconds(-1) == first)
        #expect(last - .seconds(-1) == last)
        #expect(Instant.now + .seconds(Int64.max) == last)
        #expect(Instant(microseconds: -2) - .seconds(Int64.max) == first)
        #expect(last - first == .microseconds(Int64.max))
        #expect(first - last == .microseconds(Int64.min))
        #expect(Instant(seconds: .max) == last)
        #expect(Instant(seconds: .min) == first)
        #expect(!first.text.isEmpty && !last.text.isEmpty)
        #expect(Duration.seconds(Int64.min).microseconds == .min)
    }

    @Test func `seconds are rounded down`() {
        #expect(Instant(microseconds: 1_999_999).seconds == 1)
        #expect(Instant(microseconds: -1).seconds == -1)
        #expect(Instant(seconds: -1).microseconds == -1_000_000)
        #expect(Instant(seconds: 10) - Instant(seconds: 4) == .seconds(6))
    }
}
