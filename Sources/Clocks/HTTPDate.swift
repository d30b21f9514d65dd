/// Dates as HTTP writes them, `Fri, 20 Nov 2026 17:55:50 GMT` (RFC 9110, section 5.6.7, IMF-fixdate).
///
/// The two obsolete forms (RFC 850 and asctime) are not read: nobody has sent them for decades, and one of them has a two-digit year.
package enum HTTPDate {
    /// The instant, its fraction cut off.
    ///
    /// For the years 0–9999.
    package static func text(_ instant: Instant) -> String {
        let local = LocalTime(seconds: instant.seconds)
        let date = local.date
        let time = "\(padded(local.hour, 2)):\(padded(local.minute, 2)):\(padded(local.second, 2))"
        return "\(weekdays[date.weekday]), \(padded(date.day, 2)) \(months[date.month - 1]) \(padded(date.year, 4)) \(time) GMT"
    }

    /// Reads that form and no other; nil as well when the weekday is not the date's.
    package static func parse(_ text: some StringProtocol) -> Instant? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[5] == "GMT", let month = months.firstIndex(where: { $0 == parts[2] }) else { return nil }
        var day = DigitScanner(parts[1])
        var year = DigitScanner(parts[3])
        var time = DigitScanner(parts[4])
        guard let dayNumber = day.number(2), day.isAtEnd, let yearNumber = year.number(4), year.isAtEnd,
            let date = CalendarDate(year: yearNumber, month: month + 1, day: dayNumber), parts[0] == weekdays[date.weekday] + ",",
            let hour = time.number(2), time.accept(":"), let minute = time.number(2), time.accept(":"), let second = time.number(2), time.isAtEnd,
            // A leap second is the last second of its minute; the next one is near enough for a header.
            second <= 60, let local = LocalTime(date, hour: hour, minute: minute, second: min(second, 59))
        else { return nil }
        return Instant(seconds: local.seconds)
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}

/// The header `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
package enum RetryAfter {
    /// How long to wait; zero for a date that has passed, nil for what is neither.
    ///
    /// Seconds that do not fit are the longest that do (RFC 9111, section 1.2.2): the sender decides the number, the caller has to cap it.
    package static func parse(_ text: some StringProtocol, now: Instant) -> Duration? {
        if !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            return .seconds(min(Int64(text) ?? .max, longest))
        }
        return HTTPDate.parse(text).map { max(.zero, $0 - now) }
    }

    private static let longest: Int64 = 1 << 31
}
