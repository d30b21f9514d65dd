/// A day of the proleptic Gregorian calendar, without a time and without a zone.
///
/// Counting days instead of carrying over months keeps the arithmetic in two functions: `daysSince1970` and its inverse. Both use years that begin in March,
/// so that the leap day is the last of its year and the months' lengths follow one line (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
package struct CalendarDate: Hashable, Comparable, Sendable {
    package let year: Int
    /// 1–12.
    package let month: Int
    /// 1–31.
    package let day: Int

    /// Nil when there is no such day.
    package init?(year: Int, month: Int, day: Int) {
        guard (1...12).contains(month), day >= 1, day <= CalendarDate.days(inMonth: month, of: year) else { return nil }
        self.init(checkedYear: year, month: month, day: day)
    }

    /// Takes the number of days since 1970-01-01, negative before it.
    package init(daysSince1970 days: Int) {
        // Day 0 is 0000-03-01; 146,097 days are the 400 years after which the calendar repeats itself.
        let shifted = days + 719_468
        let era = shifted.flooredQuotient(by: 146_097)
        let dayOfEra = shifted.flooredRemainder(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        self.init(
            checkedYear: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month: month, day: dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    private init(checkedYear year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// Days since 1970-01-01, negative before it.
    package var daysSince1970: Int {
        let yearFromMarch = month <= 2 ? year - 1 : year
        let era = yearFromMarch.flooredQuotient(by: 400)
        let yearOfEra = yearFromMarch.flooredRemainder(by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// 0 is Sunday, 6 is Saturday.
    package var weekday: Int { (daysSince1970 + 4).flooredRemainder(by: 7) }

    package func adding(days: Int) -> CalendarDate { CalendarDate(daysSince1970: daysSince1970 + days) }

    /// The same day of another month, or that month's last day when it is shorter: 31 January and a month is 28 or 29 February.
    ///
    /// Count from the first date each time (`start.adding(months: n)`): adding one month n times loses the 31st for ever.
    package func adding(months: Int) -> CalendarDate {
        let index = year * 12 + month - 1 + months
        let year = index.flooredQuotient(by: 12)
        let month = index.flooredRemainder(by: 12) + 1
        return CalendarDate(checkedYear: year, month: month, day: min(day, CalendarDate.days(inMonth: month, of: year)))
    }

    package static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    package static func isLeap(_ year: Int) -> Bool {
        year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
    }

    package static func < (left: CalendarDate, right: CalendarDate) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }
}

extension CalendarDate: CustomStringConvertible {
    /// `2026-11-20` (RFC 3339, `full-date`).
    package var text: String { "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))" }

    package var description: String { text }

    /// Reads `2026-11-20` and nothing else.
    package init?(_ text: some StringProtocol) {
        var digits = DigitScanner(text)
        guard let year = digits.number(4), digits.accept("-"), let month = digits.number(2), digits.accept("-"), let day = digits.number(2),
            digits.isAtEnd
        else { return nil }
        self.init(year: year, month: month, day: day)
    }
}

/// The number with at least that many digits.
func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number.magnitude)
    return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}
