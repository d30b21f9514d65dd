/// A schedule in the five fields of crontab(5): minute, hour, day of month, month, day of week.
///
/// Each field is `*`, or a list of numbers, ranges `a-b` and steps `a-b/n` or `*/n`. Months and weekdays have names too (`JAN`, `mon`); Sunday is 0 and 7.
/// `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly` and `@annually` stand for what they say.
///
/// A day matches when both day fields match; but when neither of them begins with a `*`, one of the two is enough (`0 0 13 * FRI` is every 13th and every
/// Friday). That rule, the star of `*/2` included, is Vixie cron's.
///
/// What happens when clocks change is in `CronExpression+Next.swift`.
package struct CronExpression: Hashable, Sendable {
    /// The text it was read from.
    package let text: String
    /// Bit n is set when the number n matches.
    let minutes: UInt64
    let hours: UInt64
    let days: UInt64
    let months: UInt64
    /// 0 is Sunday; 7 is not used.
    let weekdays: UInt64
    /// Whether one of the two day fields is enough.
    let eitherDay: Bool
    /// Whether the hour field begins with a star: then it is a rhythm, otherwise appointments.
    let isEveryHour: Bool

    /// Reads an expression.
    ///
    /// - Throws: `invalid` with the field's name and what is wrong with it; also for a day that never comes (30 February).
    package init(_ text: String) throws(ClocksError) {
        let fields = try CronExpression.fields(of: text)
        self.text = text
        minutes = try CronField.minute.parse(fields[0])
        hours = try CronField.hour.parse(fields[1])
        days = try CronField.dayOfMonth.parse(fields[2])
        months = try CronField.month.parse(fields[3])
        let weekdays = try CronField.dayOfWeek.parse(fields[4])
        self.weekdays = (weekdays | weekdays >> 7) & 0x7F
        eitherDay = !fields[2].hasPrefix("*") && !fields[4].hasPrefix("*")
        isEveryHour = fields[1].hasPrefix("*")
        guard eitherDay || hasPossibleDay else { throw ClocksError(.invalid, "cron: no month that it names has such a day, so it would never run") }
    }

    /// Whether the schedule runs on this day.
    func matches(_ date: CalendarDate) -> Bool {
        guard months >> UInt64(date.month) & 1 == 1 else { return false }
        let byDay = days >> UInt64(date.day) & 1 == 1
        let byWeekday = weekdays >> UInt64(date.weekday) & 1 == 1
        return eitherDay ? byDay || byWeekday : byDay && byWeekday
    }

    private var hasPossibleDay: Bool {
        (1...12).contains { month in
            months >> UInt64(month) & 1 == 1 && days.trailingZeroBitCount <= CalendarDate.days(inMonth: month, of: 2000)
        }
    }
}

extension CronExpression: CustomStringConvertible {
    package var description: String { text }
}
