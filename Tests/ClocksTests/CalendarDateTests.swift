import Clocks
import Testing

@Suite struct CalendarDateTests {
    @Test func `days count through eight centuries without a gap`() throws {
        var expected = CalendarDate(year: 1600, month: 1, day: 1)
        var number = try #require(expected).daysSince1970
        while let date = expected, date.year < 2400 {
            #expect(date.daysSince1970 == number)
            #expect(CalendarDate(daysSince1970: number) == date)
            number += 1
            expected =
                CalendarDate(year: date.year, month: date.month, day: date.day + 1) ?? CalendarDate(year: date.year, month: date.month + 1, day: 1)
                ?? CalendarDate(year: date.year + 1, month: 1, day: 1)
        }
    }

    @Test(arguments: [
        ("1970-01-01", 0, 4), ("2000-02-29", 11_016, 2), ("2026-11-20", 20_777, 5), ("1582-10-15", -141_427, 5), ("0000-03-01", -719_468, 3),
    ])
    func `known days have their number and weekday`(text: String, number: Int, weekday: Int) throws {
        let date = try #require(CalendarDate(text))
        #expect(date.daysSince1970 == number)
        #expect(date.weekday == weekday)
        #expect(date.text == text)
    }

    @Test func `a month later is the same day or the month's last`() throws {
        let last = try #require(CalendarDate("2024-01-31"))
        #expect(last.adding(months: 1).text == "2024-02-29")
        #expect(last.adding(months: 13).text == "2025-02-28")
        #expect(last.adding(months: 2).text == "2024-03-31")
        #expect(last.adding(months: -2).text == "2023-11-30")
        #expect(last.adding(months: -12).text == "2023-01-31")
        #expect(last.adding(months: 12 * 400).text == "2424-01-31")
        #expect(last.adding(days: 30).text == "2024-03-01")
    }

    @Test(arguments: [
        "", "2026-02-29", "1900-02-29", "2026-04-31", "2026-1-01", "2026-01-1", "2026/01/01", "2026-01-01 ", "-2026-01-01", "2026-13-01",
    ])
    func `what is no day is refused`(text: String) {
        #expect(CalendarDate(text) == nil)
    }
}
