/// Instants as text: RFC 3339, the profile of ISO 8601 that the API speaks.
extension Instant {
    /// `2026-11-20T17:55:50.123Z`: always UTC, always three digits, so that texts sort as the instants do (years 0–9999).
    ///
    /// Microseconds are cut off; where an instant must read back exactly, use `preciseText`.
    package var text: String { text(fraction: padded(Int(microsecondOfSecond / 1000), 3)) }

    /// `2026-11-20T17:55:50.123456Z`: reads back as the same instant.
    package var preciseText: String { text(fraction: padded(Int(microsecondOfSecond), 6)) }

    /// Reads an RFC 3339 `date-time` of any offset; nil for everything else.
    ///
    /// Strict: capital `T` and `Z`, four-digit year, every field in range, one to nine digits of fraction (what is below a microsecond is cut off).
    /// A leap second, `23:59:60` in UTC, is the first instant after it, as in PostgreSQL. `-00:00` is UTC.
    package init?(_ text: some StringProtocol) {
        var digits = DigitScanner(text)
        guard let year = digits.number(4), digits.accept("-"), let month = digits.number(2), digits.accept("-"), let day = digits.number(2),
            let date = CalendarDate(year: year, month: month, day: day), digits.accept("T"),
            let hour = digits.number(2), hour < 24, digits.accept(":"), let minute = digits.number(2), minute < 60, digits.accept(":"),
            let second = digits.number(2), second <= 60,
            let fraction = Instant.fraction(&digits), let offset = Instant.offset(&digits), digits.isAtEnd
        else { return nil }
        let seconds = Int64(date.daysSince1970) * 86_400 + Int64(hour * 3600 + minute * 60 + second - offset)
        if second == 60, seconds.flooredRemainder(by: 86_400) != 0 || fraction != 0 { return nil }
        self.init(microseconds: seconds * 1_000_000 + Int64(fraction))
    }

    private var microsecondOfSecond: Int64 { microseconds.flooredRemainder(by: 1_000_000) }

    private func text(fraction: String) -> String { LocalTime(seconds: seconds).text + "." + fraction + "Z" }

    /// Microseconds; 0 when there is no fraction.
    private static func fraction(_ digits: inout DigitScanner) -> Int? {
        guard digits.accept(".") else { return 0 }
        guard let (value, count) = digits.digits(atMost: 9) else { return nil }
        var scaled = value
        for _ in count..<9 { scaled *= 10 }
        return scaled / 1000
    }

    /// Seconds east of UTC.
    private static func offset(_ digits: inout DigitScanner) -> Int? {
        if digits.accept("Z") { return 0 }
        let isWest = digits.accept("-")
        guard isWest || digits.accept("+") else { return nil }
        guard let hours = digits.number(2), hours < 24, digits.accept(":"), let minutes = digits.number(2), minutes < 60 else { return nil }
        return (isWest ? -1 : 1) * (hours * 3600 + minutes * 60)
    }
}

extension Instant: CustomStringConvertible {
    package var description: String { preciseText }
}
