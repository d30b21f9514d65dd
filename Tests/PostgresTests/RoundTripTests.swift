import Bytes
import Clocks
import Faults
import Postgres
import TestSupport
import Testing

/// Every type from Swift to the server and back, and seen by the server as what it should be.
@Suite(.database) struct RoundTripTests {
    /// Sends the value as `type`, lets the server compare it with the literal, and reads it back.
    private func check<T: PostgresEncodable & PostgresDecodable & Equatable & Sendable>(
        _ type: String, _ pairs: [(T, String)], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await withConnection { connection in
            for (value, literal) in pairs {
                let sql = "SELECT $1::\(type) AS value, $1::\(type)::text AS seen, $2::text::\(type)::text AS wanted"
                let row = try connection.run(.once(sql), value, literal).only()
                let back: T = try row("value")
                let seen: String = try row("seen")
                let wanted: String = try row("wanted")
                #expect(back == value, sourceLocation: sourceLocation)
                #expect(seen == wanted, sourceLocation: sourceLocation)
                let null: T? = try connection.run(.once("SELECT $1::\(type) AS value"), T?.none).only()("value")
                #expect(null == nil, sourceLocation: sourceLocation)
            }
        }
    }

    @Test func `integers keep their extremes`() async throws {
        try await check("int2", [(Int16.min, "-32768"), (0, "0"), (.max, "32767")])
        try await check("int4", [(Int32.min, "-2147483648"), (-1, "-1"), (.max, "2147483647")])
        try await check("int8", [(Int64.min, "-9223372036854775808"), (1, "1"), (.max, "9223372036854775807")])
        try await check("int8", [(Int.min, "-9223372036854775808"), (.max, "9223372036854775807")])
        try await check("int4", [(Int(7), "7")])
        try await check("int2", [(Int(-7), "-7")])
        try await check("numeric", [(Int.min, "-9223372036854775808"), (.max, "9223372036854775807")])
        try await check("oid", [(Int(4_294_967_295), "4294967295")])
    }

    @Test func `an integer that the parameter cannot hold is refused here`() async throws {
        try await withConnection { connection in
            for (type, value) in [("int2", 32768), ("int4", 2_147_483_648), ("oid", -1), ("float8", 1 << 53 + 1)] {
                let error = postgresError { try connection.run(.once("SELECT $1::\(type)"), value) }
                #expect(error?.kind == .invalidInput)
            }
            let error = postgresError { let _: Int16 = try connection.run(.once("SELECT 32768::int8 AS value")).only()("value") }
            #expect(error?.kind == .decoding)
        }
    }

    @Test func `booleans and doubles`() async throws {
        try await check("bool", [(true, "true"), (false, "false")])
        try await check(
            "float8",
            [
                (0, "0"), (-0.1, "-0.1"), (.greatestFiniteMagnitude, "1.7976931348623157e308"), (.leastNonzeroMagnitude, "5e-324"),
                (.infinity, "Infinity"), (-.infinity, "-Infinity"),
            ])
        try await check("float4", [(Double(0.5), "0.5")])
        try await withConnection { connection in
            let nan: Double = try connection.run(.once("SELECT $1::float8 AS value"), Double.nan).only()("value")
            #expect(nan.isNaN)
        }
    }

    @Test func `text of every kind of letter`() async throws {
        let texts = ["", "plain", "'; DROP TABLE users; --", "Grüße, 你好, 🏭👩‍👩‍👧", "tab\tnewline\nbackslash\\ \"quote\" $1", "e\u{301}"]
        for type in ["text", "varchar", "name"] { try await check(type, texts.map { ($0, $0) }) }
        try await withConnection { connection in
            try connection.script("CREATE TYPE colour AS ENUM ('red', 'dark green'); CREATE DOMAIN short AS text CHECK (length(value) < 9)")
        }
        try await check("colour", [("red", "red"), ("dark green", "dark green")])
        try await check("short", [("brief", "brief")])
        try await withConnection { connection in
            let long = String(repeating: "millrace ", count: 200_000)
            let back: String = try connection.run(.once("SELECT $1::text AS value"), long).only()("value")
            #expect(back == long)
            let error = postgresError { try connection.run(.once("SELECT $1::text"), "a\0b") }
            #expect(error?.kind == .invalidInput)
        }
    }

    @Test func `bytes are bytea and not an array`() async throws {
        try await check("bytea", [([UInt8](), "\\x"), ([0, 1, 254, 255], "\\x0001feff")])
        let all = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        try await withConnection { connection in
            let back: [UInt8] = try connection.run(.once("SELECT $1::bytea AS value"), all).only()("value")
            #expect(back == all)
        }
    }

    @Test func `identifiers are uuid`() async throws {
        let one = Identifier.next()
        let ends = [Identifier(high: 0, low: 0), Identifier(high: .max, low: .max), one]
        try await check("uuid", ends.map { ($0, $0.description) })
    }

    @Test func `instants keep their microseconds`() async throws {
        let instants = [
            (Instant(microseconds: 0), "1970-01-01 00:00:00+00"), (Instant(microseconds: 946_684_800_000_000), "2000-01-01 00:00:00+00"),
            (Instant(microseconds: 1_700_000_000_123_456), "2023-11-14 22:13:20.123456+00"),
            (Instant(microseconds: -1), "1969-12-31 23:59:59.999999+00"),
            (Instant(microseconds: .max), "infinity"), (Instant(microseconds: .min), "-infinity"),
            (Instant(microseconds: -210_866_803_200_000_000), "4714-11-24 00:00:00+00 BC"),
        ]
        try await check("timestamptz", instants)
        try await check("timestamp", instants)
    }

    @Test func `instants that only one side can hold are errors`() async throws {
        try await withConnection { connection in
            let error = postgresError { let _: Instant = try connection.run(.once("SELECT '294276-12-31'::timestamptz AS value")).only()("value") }
            #expect(error?.kind == .decoding)
            let other = postgresError { try connection.run(.once("SELECT $1::timestamptz"), Instant(microseconds: .min + 1)) }
            #expect(other?.kind == .invalidInput)
        }
    }

    @Test func `durations are intervals without months`() async throws {
        try await check(
            "interval",
            [
                (Duration.zero, "0"), (.microseconds(1), "1 microsecond"), (.seconds(90_061), "25:01:01"), (.seconds(-5), "-5 seconds"),
                (.milliseconds(1500), "1.5 s"),
            ])
        try await withConnection { connection in
            let days: Duration = try connection.run(.once("SELECT interval '2 days 3 hours' AS value")).only()("value")
            #expect(days == .seconds(51 * 3600))
            let error = postgresError { let _: Duration = try connection.run(.once("SELECT interval '1 month' AS value")).only()("value") }
            #expect(error?.kind == .decoding)
            let tooLong = postgresError { try connection.run(.once("SELECT $1::interval"), Duration.seconds(Int64.max)) }
            #expect(tooLong?.kind == .invalidInput)
        }
    }

    @Test func `days, addresses and JSON text`() async throws {
        try await check(
            "date",
            [
                (CalendarDay(daysSince1970: 0), "1970-01-01"), (CalendarDay(daysSince1970: 20_000), "2024-10-04"),
                (CalendarDay(daysSince1970: -1), "1969-12-31"),
            ])
        let addresses = ["10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32", "::ffff:10.1.2.3", "255.255.255.255", "0.0.0.0/0"]
        try await check("inet", addresses.map { (NetworkAddress($0), $0) })
        try await check("cidr", ["10.0.0.0/8", "2001:db8::/32", "10.1.2.3/32", "::1/128"].map { (NetworkAddress($0), $0) })
        try await check("jsonb", [(JSONText(text: "{\"a\": [1, null, \"ü\"]}"), "{\"a\":[1,null,\"ü\"]}")])
        try await check("json", [(JSONText(text: "{ \"a\":1 }"), "{ \"a\":1 }")])
    }

    @Test func `micros are exact`() async throws {
        try await check(
            "numeric(20,6)",
            [
                (Micros(millionths: 0), "0"), (Micros(millionths: 1), "0.000001"), (Micros(millionths: -1), "-0.000001"),
                (Micros(millionths: .max), "9223372036854.775807"), (Micros(millionths: .min), "-9223372036854.775808"),
                (Micros(millionths: 10_000_000_000), "10000"), (Micros(millionths: 99_990_000), "99.99"),
                (Micros(millionths: 123_456_789), "123.456789"),
            ])
    }

    @Test(arguments: ["'NaN'", "'Infinity'", "'-Infinity'", "9223372036854.775808", "-9223372036854.775809", "0.0000001", "1e30"])
    func `a numeric that micros cannot hold is an error`(_ literal: String) async throws {
        try await withConnection { connection in
            let error = postgresError { let _: Micros = try connection.run(.once("SELECT \(literal)::numeric AS value")).only()("value") }
            #expect(error?.kind == .decoding)
        }
    }

    @Test func `micros and the server agree about every amount`() async throws {
        var random = SeededGenerator.fresh()
        let values = (0..<2000).map { _ in
            Micros(millionths: Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0...63, using: &random))
        }
        try await withConnection { connection in
            let rows = try connection.run(
                .once("SELECT value, value::text AS text, $2::text[] AS t FROM unnest($1::numeric[]) AS value"), values, ["x"])
            #expect(rows.count == values.count)
            for (row, value) in zip(rows, values) {
                let back: Micros = try row("value")
                let text: String = try row("text")
                #expect(back == value)
                #expect(text == value.description)
            }
        }
    }

    @Test func `an enumeration of strings is its raw value`() async throws {
        try await check("text", [(Colour.red, "red")])
        try await withConnection { connection in
            let error = postgresError { let _: Colour = try connection.run(.once("SELECT 'blue' AS value")).only()("value") }
            #expect(error?.kind == .decoding)
            let all: [Colour?] = try connection.run(.once("SELECT $1::text[] AS value"), [Colour.red, nil]).only()("value")
            #expect(all == [.red, nil])
        }
    }
}

private enum Colour: String, PostgresEncodable, PostgresDecodable { case red, green }
