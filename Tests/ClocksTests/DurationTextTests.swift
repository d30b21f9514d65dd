import Clocks
import Testing

@Suite struct DurationTextTests {
    @Test(
        arguments: [
            ("500ms", .milliseconds(500)), ("30s", .seconds(30)), ("15m", .seconds(900)), ("23h", .seconds(82_800)), ("7d", .seconds(604_800)),
            ("90m", .seconds(5400)), ("0s", .zero), ("1500ms", .milliseconds(1500)), ("1us", .microseconds(1)),
            ("106751991d", .seconds(106_751_991 * 86_400)),
        ] as [(String, Duration)])
    func `a duration is read and written the same`(text: String, duration: Duration) {
        #expect(DurationText.parse(text) == duration)
        #expect(DurationText.text(duration) == text)
    }

    @Test func `the largest unit that fits is written`() {
        #expect(DurationText.parse("24h") == .seconds(86_400))
        #expect(DurationText.text(.seconds(86_400)) == "1d")
        #expect(DurationText.text(.seconds(60)) == "1m")
        #expect(DurationText.text(.seconds(-90)) == "-90s")
        #expect(DurationText.parse("0ms") == .zero)
    }

    @Test(arguments: [
        "", "5", "s", "-5s", "+5s", "5 s", " 5s", "5s ", "1.5s", "1h30m", "5S", "5sec", "5w", "05s", "00s", "5µs", "106751992d",
        "9223372036854775808us",
        "99999999999999999999s", "٣s", "0x5s",
    ])
    func `anything else is refused`(text: String) {
        #expect(DurationText.parse(text) == nil)
    }
}
