/// What a calendar and a clock on a wall show: a date and a time of day, in no particular zone.
///
/// It is no point in time: some local times come twice a year and some never. `TimeZoneRules` translates.
package struct LocalTime: Hashable, Comparable, Sendable {
    /// Seconds since 1970-01-01 00:00 of the same wall.
    let seconds: Int64

    init(seconds: Int64) {
        self.seconds = seconds
    }

    /// Nil when the day's clock does not show this time.
    package init?(_ date: CalendarDate, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        guard (0..<24).contains(hour), (0..<60).contains(minute), (0..<60).contains(second) else { return nil }
        seconds = Int64(date.daysSince1970) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }

    package var date: CalendarDate { CalendarDate(daysSince1970: Int(seconds.flooredQuotient(by: 86_400))) }

    /// 0–86,399.
    package var secondOfDay: Int { Int(seconds.flooredRemainder(by: 86_400)) }

    package var hour: Int { secondOfDay / 3600 }

    package var minute: Int { secondOfDay / 60 % 60 }

    package var second: Int { secondOfDay % 60 }

    package static func < (left: LocalTime, right: LocalTime) -> Bool { left.seconds < right.seconds }
}

extension LocalTime: CustomStringConvertible {
    /// `2026-11-20T17:55:50`, without a zone.
    package var text: String { "\(date.text)T\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))" }

    package var description: String { text }
}
