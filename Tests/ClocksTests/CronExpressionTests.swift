import Faults
import Testing

@testable import Clocks

@Suite struct CronExpressionTests {
    /// The next runs as UTC texts without seconds' fraction.
    func runs(_ text: String, after start: String, in zone: String = "UTC", count: Int = 3) throws -> [String] {
        let expression = try CronExpression(text)
        let zone = try TimeZoneRules.named(zone)
        var runs: [String] = []
        var last = try instant(start)
        while runs.count < count, let next = expression.next(after: last, in: zone) {
            #expect(next > last)
            runs.append(String(next.text.prefix(16)))
            last = next
        }
        return runs
    }

    @Test(arguments: [
        ("* * * * *", ["2026-11-20T17:56", "2026-11-20T17:57", "2026-11-20T17:58"]),
        ("*/15 * * * *", ["2026-11-20T18:00", "2026-11-20T18:15", "2026-11-20T18:30"]),
        ("0 0 * * *", ["2026-11-21T00:00", "2026-11-22T00:00", "2026-11-23T00:00"]),
        ("@daily", ["2026-11-21T00:00", "2026-11-22T00:00", "2026-11-23T00:00"]),
        ("@hourly", ["2026-11-20T18:00", "2026-11-20T19:00", "2026-11-20T20:00"]),
        ("@weekly", ["2026-11-22T00:00", "2026-11-29T00:00", "2026-12-06T00:00"]),
        ("@monthly", ["2026-12-01T00:00", "2027-01-01T00:00", "2027-02-01T00:00"]),
        ("@yearly", ["2027-01-01T00:00", "2028-01-01T00:00", "2029-01-01T00:00"]),
        ("5,35 9-17/4 * * MON-FRI", ["2026-11-23T09:05", "2026-11-23T09:35", "2026-11-23T13:05"]),
        ("0 12 * jan,Mar mon", ["2027-01-04T12:00", "2027-01-11T12:00", "2027-01-18T12:00"]),
        ("0 0 31 * *", ["2026-12-31T00:00", "2027-01-31T00:00", "2027-03-31T00:00"]),
        ("0 0 29 2 *", ["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00"]),
        ("0 0 * * 7", ["2026-11-22T00:00", "2026-11-29T00:00", "2026-12-06T00:00"]),
        ("0 0 * * FRI-SUN", ["2026-11-21T00:00", "2026-11-22T00:00", "2026-11-27T00:00"]),
        ("0 0 * * 0-7/7", ["2026-11-22T00:00", "2026-11-29T00:00", "2026-12-06T00:00"]),
    ])
    func `schedules run when they say`(expression: String, expected: [String]) throws {
        #expect(try runs(expression, after: "2026-11-20T17:55:50.123Z") == expected)
    }

    @Test func `one of the two day fields is enough, unless one begins with a star`() throws {
        #expect(
            try runs("0 0 13 * FRI", after: "2026-11-01T00:00:00Z", count: 4) == [
                "2026-11-06T00:00", "2026-11-13T00:00", "2026-11-20T00:00", "2026-11-27T00:00",
            ])
        #expect(try runs("0 0 14 * FRI", after: "2026-11-12T00:00:00Z", count: 3) == ["2026-11-13T00:00", "2026-11-14T00:00", "2026-11-20T00:00"])
        #expect(try runs("0 0 */2 * FRI", after: "2026-11-01T00:00:00Z", count: 3) == ["2026-11-13T00:00", "2026-11-27T00:00", "2026-12-11T00:00"])
        #expect(try runs("0 0 13 * */7", after: "2026-11-01T00:00:00Z", count: 2) == ["2026-12-13T00:00", "2027-06-13T00:00"])
    }

    @Test func `the instant itself is not its own next run`() throws {
        #expect(try runs("0 12 * * *", after: "2026-11-20T12:00:00Z", count: 1) == ["2026-11-21T12:00"])
        #expect(try runs("0 12 * * *", after: "2026-11-20T11:59:59.999999Z", count: 1) == ["2026-11-20T12:00"])
        #expect(try runs("0 * * * *", after: "2026-11-20T12:00:00Z", count: 1) == ["2026-11-20T13:00"])
        #expect(try runs("0 * * * *", after: "2026-11-20T11:59:59.999999Z", count: 1) == ["2026-11-20T12:00"])
    }

    @Test func `a rare day is found over decades, and no further than the calendar`() throws {
        // 29 February on a Sunday, across the common year 2100.
        #expect(try runs("0 0 29 2 */7", after: "2077-01-01T00:00:00Z", count: 2) == ["2088-02-29T00:00", "2128-02-29T00:00"])
        #expect(try runs("0 * 29 2 */7", after: "2088-03-01T00:00:00Z", in: "Europe/Berlin", count: 1) == ["2128-02-28T23:00"])
        #expect(try CronExpression("@daily").next(after: Instant(microseconds: .max), in: .utc) == nil)
        #expect(try CronExpression("@daily").next(after: Instant(microseconds: .min), in: TimeZoneRules.named("Europe/Berlin")) != nil)
    }

    // Berlin: 2026-03-29 02:00 → 03:00 (01:00 UTC), 2026-10-25 03:00 → 02:00 (01:00 UTC).

    @Test func `an appointment in the gap runs once, at the gap's end`() throws {
        let before = "2026-03-28T12:00:00Z"
        #expect(try runs("30 2 * * *", after: before, in: "Europe/Berlin") == ["2026-03-29T01:00", "2026-03-30T00:30", "2026-03-31T00:30"])
        #expect(try runs("*/10 2 29 3 *", after: before, in: "Europe/Berlin", count: 2) == ["2026-03-29T01:00", "2027-03-29T00:00"])
        // The skipped slot and the slot at the gap's end are one run.
        #expect(try runs("30 2,3 * * *", after: before, in: "Europe/Berlin") == ["2026-03-29T01:00", "2026-03-29T01:30", "2026-03-30T00:30"])
        #expect(try runs("0 2,3 * * *", after: before, in: "Europe/Berlin", count: 2) == ["2026-03-29T01:00", "2026-03-30T00:00"])
    }

    @Test func `an appointment in the repeated hour runs once, the first time`() throws {
        let before = "2026-10-24T12:00:00Z"
        #expect(try runs("30 2 * * *", after: before, in: "Europe/Berlin") == ["2026-10-25T00:30", "2026-10-26T01:30", "2026-10-27T01:30"])
        #expect(try runs("30 2 * * *", after: "2026-10-25T01:10:00Z", in: "Europe/Berlin", count: 1) == ["2026-10-26T01:30"])
        #expect(
            try runs("0,30 2-3 * * *", after: before, in: "Europe/Berlin", count: 5)
                == ["2026-10-25T00:00", "2026-10-25T00:30", "2026-10-25T02:00", "2026-10-25T02:30", "2026-10-26T01:00"])
    }

    @Test func `a rhythm keeps its pace through gap and repetition`() throws {
        #expect(
            try runs("30 * * * *", after: "2026-03-28T23:45:00Z", in: "Europe/Berlin") == [
                "2026-03-29T00:30", "2026-03-29T01:30", "2026-03-29T02:30",
            ])
        #expect(
            try runs("30 * * * *", after: "2026-10-24T23:45:00Z", in: "Europe/Berlin") == [
                "2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30",
            ])
        #expect(
            try runs("*/30 * * * *", after: "2026-10-25T00:15:00Z", in: "Europe/Berlin", count: 4)
                == ["2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30", "2026-10-25T02:00"])
    }

    // New York: 2026-03-08 02:00 → 03:00 (07:00 UTC), 2026-11-01 02:00 → 01:00 (06:00 UTC).

    @Test func `New York changes on its own days`() throws {
        #expect(
            try runs("15 2 * * *", after: "2026-03-07T12:00:00Z", in: "America/New_York") == [
                "2026-03-08T07:00", "2026-03-09T06:15", "2026-03-10T06:15",
            ])
        #expect(
            try runs("15 1 * * *", after: "2026-10-31T12:00:00Z", in: "America/New_York") == [
                "2026-11-01T05:15", "2026-11-02T06:15", "2026-11-03T06:15",
            ])
        #expect(
            try runs("15 * * * *", after: "2026-11-01T04:30:00Z", in: "America/New_York") == [
                "2026-11-01T05:15", "2026-11-01T06:15", "2026-11-01T07:15",
            ])
        #expect(try runs("0 9 * * MON", after: "2126-07-01T00:00:00Z", in: "America/New_York", count: 1) == ["2126-07-01T13:00"])
    }

    // Tehran: until 2022 the clocks changed at midnight; since then never.

    @Test func `Tehran's skipped midnight runs at one o'clock and its repeated evening once`() throws {
        #expect(try runs("0 0 * * *", after: "2021-03-20T21:00:00Z", in: "Asia/Tehran", count: 2) == ["2021-03-21T20:30", "2021-03-22T19:30"])
        #expect(try runs("30 23 * * *", after: "2021-09-21T12:00:00Z", in: "Asia/Tehran", count: 2) == ["2021-09-21T19:00", "2021-09-22T20:00"])
        #expect(try runs("@daily", after: "2026-03-20T21:00:00Z", in: "Asia/Tehran", count: 2) == ["2026-03-21T20:30", "2026-03-22T20:30"])
    }

    @Test func `a day that a zone skips runs at its end, once`() throws {
        #expect(try runs("0 0 * * *", after: "2011-12-29T12:00:00Z", in: "Pacific/Apia", count: 2) == ["2011-12-30T10:00", "2011-12-31T10:00"])
        #expect(
            try runs("0 12 * * *", after: "2011-12-29T12:00:00Z", in: "Pacific/Apia") == ["2011-12-29T22:00", "2011-12-30T10:00", "2011-12-30T22:00"])
    }

    @Test(arguments: ["Europe/Berlin", "America/New_York", "Asia/Tehran", "Australia/Lord_Howe", "UTC"])
    func `every schedule agrees with walking through all minutes`(name: String) throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        let zone = try TimeZoneRules.named(name)
        func field(_ range: ClosedRange<Int>) -> String {
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: return "*"
            case 1: return "*/\(Int.random(in: 1...range.upperBound, using: &generator))"
            case 2: return "\(Int.random(in: range, using: &generator))"
            case 3: return "\(Int.random(in: range, using: &generator)),\(Int.random(in: range, using: &generator))"
            default:
                let from = Int.random(in: range, using: &generator)
                return "\(from)-\(Int.random(in: from...range.upperBound, using: &generator))"
            }
        }
        for _ in 0..<60 {
            let text = [field(0...59), field(0...4), field(1...28), field(1...12), field(0...7)].joined(separator: " ")
            let expression = try CronExpression(text)
            // Starts up to a week before a change of the clocks in 2021, when all of them still had some.
            let around = Instant(seconds: 1_609_459_200 + .random(in: 0..<20_000_000, using: &generator))
            let change = zone.nextChange(after: around) ?? around
            let start = Instant(seconds: change.seconds - .random(in: 0..<604_800, using: &generator))
            let end = start + .seconds(14 * 86_400)
            #expect(
                all(expression, from: start, to: end, in: zone) == walked(expression, from: start, to: end, in: zone),
                "\(text), \(start), seed \(seed)")
        }
    }

    private func all(_ expression: CronExpression, from start: Instant, to end: Instant, in zone: TimeZoneRules) -> [Instant] {
        var runs: [Instant] = []
        var last = start
        while let next = expression.next(after: last, in: zone), next <= end {
            runs.append(next)
            last = next
        }
        return runs
    }

    /// The definition, in its slowest form: a rhythm by the minutes of real time, appointments by the minutes of the wall.
    private func walked(_ expression: CronExpression, from start: Instant, to end: Instant, in zone: TimeZoneRules) -> [Instant] {
        func matches(_ local: LocalTime) -> Bool {
            expression.minutes >> UInt64(local.minute) & 1 == 1 && expression.hours >> UInt64(local.hour) & 1 == 1 && expression.matches(local.date)
        }
        var found: Set<Instant> = []
        if expression.isEveryHour {
            for minute in (start.seconds / 60)...(end.seconds / 60) {
                let instant = Instant(seconds: minute * 60)
                if matches(zone.localTime(at: instant)) { found.insert(instant) }
            }
        } else {
            let first = (start.seconds - 2 * 86_400) / 60
            for minute in first...((end.seconds + 2 * 86_400) / 60) {
                let local = LocalTime(seconds: minute * 60)
                if matches(local) { found.insert(zone.instant(of: local)) }
            }
        }
        return found.filter { $0 > start && $0 <= end }.sorted()
    }

    @Test(arguments: [
        ("", "cron: five fields are needed (minute hour day month weekday), not 0"),
        ("* * * *", "cron: five fields are needed (minute hour day month weekday), not 4"),
        ("0 * * * * *", "cron: five fields are needed (minute hour day month weekday), not 6"),
        ("60 * * * *", "cron minute: 60 is not within 0–59"), ("* 24 * * *", "cron hour: 24 is not within 0–23"),
        ("* * 0 * *", "cron day of month: 0 is not within 1–31"), ("* * * 13 *", "cron month: 13 is not within 1–12"),
        ("* * * * 8", "cron day of week: 8 is not within 0–7"), ("x * * * *", "cron minute: 'x' is not a number"),
        ("-1 * * * *", "cron minute: '' is not a number"), ("1.5 * * * *", "cron minute: '1.5' is not a number"),
        ("* * * Janu *", "cron month: 'Janu' is not a number or a name like FEB, did you mean JAN?"),
        ("* * * * L", "cron day of week: 'L' is not a number or a name like MON"), ("5-1 * * * *", "cron minute: the range '5-1' runs backwards"),
        ("*/0 * * * *", "cron minute: the step '0' is not a number above 0"), ("*/x * * * *", "cron minute: the step 'x' is not a number above 0"),
        ("*/99 * * * *", "cron minute: the step 99 is larger than the field"),
        ("5/15 * * * *", "cron minute: a step needs a range or a star before it, as in 5-59/15"),
        ("1,,2 * * * *", "cron minute: '' is not a number, a range or a step"), ("1, * * * *", "cron minute: '' is not a number, a range or a step"),
        ("1-2-3 * * * *", "cron minute: '1-2-3' is not a number, a range or a step"),
        ("1/2/3 * * * *", "cron minute: '1/2/3' is not a number, a range or a step"),
        ("?  * * * *", "cron minute: '?' is not a number"), ("@dialy", "cron: '@dialy' is not known, did you mean @daily?"),
        ("@reboot", "cron: '@reboot' is not known"), ("0 0 30 2 *", "cron: no month that it names has such a day, so it would never run"),
        ("0 0 31 4,6,9,11 *", "cron: no month that it names has such a day, so it would never run"),
    ])
    func `a mistake is named with its field`(text: String, message: String) {
        #expect(throws: ClocksError(.invalid, message)) { try CronExpression(text) }
    }

    @Test func `an expression of absurd length is refused`() {
        #expect(throws: ClocksError.self) { try CronExpression(String(repeating: "1,", count: 1000) + "1 * * * *") }
    }
}
