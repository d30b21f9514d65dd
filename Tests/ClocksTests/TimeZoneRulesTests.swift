import Faults
import Glibc
import Testing

@testable import Clocks

@Suite struct TimeZoneRulesTests {
    @Test(arguments: [
        ("Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-29T01:59:59"), ("Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00"),
        ("Europe/Berlin", "2026-10-25T00:59:59Z", "2026-10-25T02:59:59"), ("Europe/Berlin", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00"),
        ("Europe/Berlin", "2126-07-01T12:00:00Z", "2126-07-01T14:00:00"), ("Europe/Berlin", "2126-01-01T12:00:00Z", "2126-01-01T13:00:00"),
        ("Europe/Berlin", "1880-01-01T00:00:00Z", "1880-01-01T00:53:28"), ("America/New_York", "2026-03-08T06:59:59Z", "2026-03-08T01:59:59"),
        ("America/New_York", "2026-03-08T07:00:00Z", "2026-03-08T03:00:00"), ("America/New_York", "2026-11-01T06:00:00Z", "2026-11-01T01:00:00"),
        ("Asia/Tehran", "2021-03-21T20:29:59Z", "2021-03-21T23:59:59"), ("Asia/Tehran", "2021-03-21T20:30:00Z", "2021-03-22T01:00:00"),
        ("Asia/Tehran", "2026-07-01T00:00:00Z", "2026-07-01T03:30:00"), ("Asia/Kathmandu", "2026-01-01T00:00:00Z", "2026-01-01T05:45:00"),
        ("Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29T23:59:59"), ("Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31T00:00:00"),
        ("Etc/GMT+5", "2026-01-01T00:00:00Z", "2025-12-31T19:00:00"), ("UTC", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00"),
    ])
    func `clocks show the local time`(zone: String, utc: String, local: String) throws {
        #expect(try TimeZoneRules.named(zone).localTime(at: instant(utc)).text == local)
    }

    @Test func `a skipped time is the first instant after the gap, a repeated one its first coming`() throws {
        let berlin = try TimeZoneRules.named("Europe/Berlin")
        let spring = try #require(CalendarDate("2026-03-29"))
        let autumn = try #require(CalendarDate("2026-10-25"))
        func utc(_ date: CalendarDate, _ hour: Int, _ minute: Int, _ second: Int = 0) throws -> String {
            berlin.instant(of: try #require(LocalTime(date, hour: hour, minute: minute, second: second))).text
        }
        #expect(try utc(spring, 1, 59, 59) == "2026-03-29T00:59:59.000Z")
        #expect(try utc(spring, 2, 0) == "2026-03-29T01:00:00.000Z")
        #expect(try utc(spring, 2, 59, 59) == "2026-03-29T01:00:00.000Z")
        #expect(try utc(spring, 3, 0) == "2026-03-29T01:00:00.000Z")
        #expect(try utc(autumn, 1, 59, 59) == "2026-10-24T23:59:59.000Z")
        #expect(try utc(autumn, 2, 30) == "2026-10-25T00:30:00.000Z")
        #expect(try utc(autumn, 3, 0) == "2026-10-25T02:00:00.000Z")
        let apia = try TimeZoneRules.named("Pacific/Apia")
        let day = try #require(CalendarDate("2011-12-30"))
        let skipped = try #require(LocalTime(day, hour: 12))
        #expect(apia.instant(of: skipped).text == "2011-12-30T10:00:00.000Z")
    }

    @Test func `UTC never changes and needs no data`() throws {
        #expect(TimeZoneRules.utc.nextChange(after: .now) == nil)
        #expect(try TimeZoneRules.named("UTC", directory: "/nonexistent").offset(at: .now) == 0)
    }

    @Test func `changes follow the table and then the rule for ever`() throws {
        let berlin = try TimeZoneRules.named("Europe/Berlin")
        #expect(try berlin.nextChange(after: instant("2026-01-01T00:00:00Z"))?.text == "2026-03-29T01:00:00.000Z")
        #expect(try berlin.nextChange(after: instant("2026-03-29T01:00:00Z"))?.text == "2026-10-25T01:00:00.000Z")
        #expect(try berlin.nextChange(after: instant("2037-11-01T00:00:00Z"))?.text == "2038-03-28T01:00:00.000Z")
        #expect(try berlin.nextChange(after: instant("2999-12-01T00:00:00Z"))?.text == "3000-03-30T01:00:00.000Z")
    }

    @Test(arguments: [
        "", "/", "..", "../etc/passwd", "Europe/../../../etc/passwd", "/etc/localtime", "Europe//Berlin", "Europe/", "/Europe/Berlin",
        "Europe/Berlin\0",
        "Europe/Ber lin", ".hidden", "zone.tab", "Europe/Berlin\n", "1Europe", "Zürich", String(repeating: "A", count: 65), "-x", "Europe\\Berlin",
        "~root",
    ])
    func `a name that no zone can have is refused before the disk is touched`(name: String) {
        #expect(throws: ClocksError(.invalid, "a time zone is named like Europe/Berlin")) { try TimeZoneRules.named(name) }
    }

    @Test(arguments: ["Europe/Nowhere", "Europe", "Mars/Olympus", "leapseconds"]) func `a zone that does not exist is named in the error`(
        name: String
    ) {
        #expect(throws: ClocksError(.unknownTimeZone, "no time zone is named \(name)")) { try TimeZoneRules.named(name) }
    }

    @Test func `missing data says what to install`() {
        let message = "no time zone data in /nonexistent: install tzdata, or use UTC"
        #expect(throws: ClocksError(.missingTimeZoneData, message)) { try TimeZoneRules.named("Europe/Berlin", directory: "/nonexistent") }
    }

    @Test func `damaged data is refused and never traps`() throws {
        let bytes = try contents("/usr/share/zoneinfo/Europe/Berlin")
        #expect(TimeZoneFile(bytes) != nil)
        for length in 0..<bytes.count { #expect(TimeZoneFile(Array(bytes[..<length])) == nil) }
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2_000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                changed[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: .min ... .max, using: &generator)
            }
            guard let file = TimeZoneFile(changed) else { continue }
            let zone = TimeZoneRules(name: "X", file: file)
            for _ in 0..<4 {
                let instant = Instant(seconds: .random(in: -4_000_000_000...20_000_000_000, using: &generator))
                let after = zone.instant(of: zone.localTime(at: instant))
                #expect(after <= instant, "seed \(seed)")
            }
        }
    }

    @Test(.enabled(if: Python.hasTimeZones)) func `Python sees the same offsets in every zone`() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        let program = """
            import sys, zoneinfo, datetime
            times = [int(line) for line in sys.stdin]
            for name in sorted(zoneinfo.available_timezones()):
                zone = zoneinfo.ZoneInfo(name)
                offsets = (datetime.datetime.fromtimestamp(time, zone).utcoffset() for time in times)
                print(name, *(str(int(offset.total_seconds())) for offset in offsets))
            """
        let times = (0..<60).map { _ in Int64.random(in: -3_000_000_000...30_000_000_000, using: &generator) }
        let lines = Python.lines(program, input: times.map(String.init))
        #expect(lines.count > 400)
        for line in lines {
            let fields = line.split(separator: " ").map(String.init)
            let zone = try? TimeZoneRules.named(fields[0])
            let offsets = times.map { String(zone?.offset(at: Instant(seconds: $0)) ?? .min) }
            #expect(offsets == Array(fields.dropFirst()), "\(fields[0]), seed \(seed)")
        }
    }

    private func contents(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "r") else { throw Unreadable(text: path) }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = fread(&buffer, 1, buffer.count, file)
        return Array(buffer[..<count])
    }
}

@Suite struct PosixTimeZoneTests {
    @Test func `offsets are west-positive and default rules are POSIX's`() throws {
        let berlin = try #require(PosixTimeZone("CET-1CEST,M3.5.0,M10.5.0/3"))
        #expect(berlin.standardOffset == 3600)
        #expect(berlin.daylight?.offset == 7200)
        #expect(berlin.daylight?.start == .init(day: .weekday(month: 3, week: 5, weekday: 0), second: 7200))
        #expect(berlin.daylight?.end == .init(day: .weekday(month: 10, week: 5, weekday: 0), second: 10_800))
        #expect(PosixTimeZone("<+0330>-3:30")?.standardOffset == 12_600)
        #expect(PosixTimeZone("EST5")?.daylight == nil)
        #expect(PosixTimeZone("<-02>2<-01>,M3.5.0/-1,M10.5.0/0")?.daylight?.start.second == -3600)
    }

    /// 2024 is a leap year: J60 is 1 March in every year, 59 is 29 February in this one.
    @Test(arguments: [("J60/0", "2024-03-01"), ("59/0", "2024-02-29"), ("J59/0", "2024-02-28"), ("0/0", "2024-01-01"), ("M2.5.4/0", "2024-02-29")])
    func `days of the year count the leap day or not`(rule: String, date: String) throws {
        let zone = try #require(PosixTimeZone("AAA0BBB,\(rule),J300"))
        let expected = try instant(date + "T00:00:00Z").seconds
        #expect(zone.offset(at: expected - 1) == 0)
        #expect(zone.offset(at: expected) == 3600)
    }

    @Test func `daylight time may last the whole year`() throws {
        // RFC 8536, section 3.3.1.
        let zone = try #require(PosixTimeZone("XXX3EDT4,0/0,J365/23"))
        let start = try instant("2026-01-01T00:00:00Z").seconds
        #expect((0..<400).allSatisfy { zone.offset(at: start + $0 * 86_400 + 3 * 3600) == -4 * 3600 })
    }

    @Test(arguments: [
        "", "CET", "C-1", "CET-25", "CET-1CEST", "CET-1CEST,", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,J0,J1", "CET-1CEST,366,1", "<>-1", "<CET-1", "CET-1:60",
        "CET-1CEST,M3.5.0,M10.5.0x",
    ])
    func `a bad rule is refused`(text: String) {
        #expect(PosixTimeZone(text) == nil)
    }
}
