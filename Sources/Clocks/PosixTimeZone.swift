/// The rule in the last line of a TZif file, for the years after its table: `CET-1CEST,M3.5.0,M10.5.0/3`.
///
/// POSIX writes offsets west-positive (`CET-1` is one hour *east*); RFC 8536, section 3.3.1, adds names in angle brackets and hours from -167 to 167.
struct PosixTimeZone: Hashable, Sendable {
    struct Daylight: Hashable {
        let offset: Int
        let start: Rule
        let end: Rule
    }

    /// A moment of every year, on the wall's clock before the change.
    struct Rule: Hashable {
        enum Day: Hashable {
            /// `Jn`: 1–365, the leap day is not counted.
            case julian(Int)
            /// `n`: 0–365, the leap day is counted.
            case dayOfYear(Int)
            /// `Mm.w.d`: the weekday's w-th time in the month, 5 is the last.
            case weekday(month: Int, week: Int, weekday: Int)
        }

        let day: Day
        let second: Int
    }

    /// Seconds east of UTC.
    let standardOffset: Int
    let daylight: Daylight?

    /// Seconds east of UTC.
    func offset(at seconds: Int64) -> Int {
        guard daylight != nil else { return standardOffset }
        return changes(around: seconds).last { $0.at <= seconds }?.offset ?? standardOffset
    }

    func nextChange(after seconds: Int64) -> Int64? {
        guard daylight != nil else { return nil }
        return changes(around: seconds).first { $0.at > seconds }?.at
    }

    /// The changes of three years, in order: enough to have one before and one after.
    private func changes(around seconds: Int64) -> [(at: Int64, offset: Int)] {
        guard let daylight else { return [] }
        let year = LocalTime(seconds: seconds + Int64(standardOffset)).date.year
        return (year - 1...year + 1).flatMap { year in
            let start = (at: daylight.start.localSeconds(in: year) - Int64(standardOffset), offset: daylight.offset)
            let end = (at: daylight.end.localSeconds(in: year) - Int64(daylight.offset), offset: standardOffset)
            return [start, end]
        }.sorted { ($0.at, $0.offset == standardOffset ? 0 : 1) < ($1.at, $1.offset == standardOffset ? 0 : 1) }
    }
}

extension PosixTimeZone.Rule {
    func localSeconds(in year: Int) -> Int64 { Int64(dayNumber(in: year)) * 86_400 + Int64(second) }

    private func dayNumber(in year: Int) -> Int {
        let newYear = CalendarDate(daysSince1970: 0).adding(months: (year - 1970) * 12)
        switch day {
        case .julian(let number): return newYear.daysSince1970 + number - (CalendarDate.isLeap(year) && number >= 60 ? 0 : 1)
        case .dayOfYear(let number): return newYear.daysSince1970 + number
        case .weekday(let month, let week, let weekday):
            let first = newYear.adding(months: month - 1)
            let day = 1 + (weekday - first.weekday).flooredRemainder(by: 7) + (week - 1) * 7
            return first.daysSince1970 + (day > CalendarDate.days(inMonth: month, of: year) ? day - 7 : day) - 1
        }
    }
}

extension PosixTimeZone {
    /// Nil for a text that is no such rule, or that has daylight time but not its dates.
    init?(_ text: String) {
        var scanner = DigitScanner(text)
        guard PosixTimeZone.skipName(&scanner), let west = PosixTimeZone.time(&scanner, hours: 24) else { return nil }
        standardOffset = -west
        if scanner.isAtEnd {
            daylight = nil
            return
        }
        guard PosixTimeZone.skipName(&scanner) else { return nil }
        var offset = standardOffset + 3600
        if scanner.next != UInt8(ascii: ",") {
            guard let west = PosixTimeZone.time(&scanner, hours: 24) else { return nil }
            offset = -west
        }
        guard scanner.accept(","), let start = Rule(&scanner), scanner.accept(","), let end = Rule(&scanner), scanner.isAtEnd else { return nil }
        daylight = Daylight(offset: offset, start: start, end: end)
    }

    private static func skipName(_ scanner: inout DigitScanner) -> Bool {
        if scanner.accept("<") {
            let name = scanner.take { $0 != UInt8(ascii: ">") }
            return !name.isEmpty && scanner.accept(">")
        }
        return scanner.take { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0 & 0xDF) }.count >= 3
    }

    /// `[+-]h[hh][:mm[:ss]]` in seconds.
    fileprivate static func time(_ scanner: inout DigitScanner, hours limit: Int) -> Int? {
        let isNegative = scanner.accept("-")
        if !isNegative { _ = scanner.accept("+") }
        guard let (hours, _) = scanner.digits(atMost: 3), hours <= limit else { return nil }
        var seconds = hours * 3600
        for unit in [60, 1] where scanner.accept(":") {
            guard let value = scanner.number(2), value < 60 else { return nil }
            seconds += value * unit
        }
        return isNegative ? -seconds : seconds
    }
}

extension PosixTimeZone.Rule {
    fileprivate init?(_ scanner: inout DigitScanner) {
        if scanner.accept("M") {
            guard let (month, _) = scanner.digits(atMost: 2), (1...12).contains(month), scanner.accept("."), let week = scanner.number(1),
                (1...5).contains(week), scanner.accept("."), let weekday = scanner.number(1), weekday < 7
            else { return nil }
            day = .weekday(month: month, week: week, weekday: weekday)
        } else {
            let isJulian = scanner.accept("J")
            guard let (number, _) = scanner.digits(atMost: 3), (isJulian ? 1...365 : 0...365).contains(number) else { return nil }
            day = isJulian ? .julian(number) : .dayOfYear(number)
        }
        guard scanner.accept("/") else {
            second = 7200
            return
        }
        guard let time = PosixTimeZone.time(&scanner, hours: 167) else { return nil }
        second = time
    }
}
