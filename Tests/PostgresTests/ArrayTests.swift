import Bytes
import Clocks
import Faults
import Postgres
import TestSupport
import Testing

@Suite(.database) struct ArrayTests {
    private func check<T: PostgresEncodable & PostgresDecodable & Equatable & Sendable>(
        _ type: String, _ values: [T], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await withConnection { connection in
            let optional: [T?] = [nil] + values.map { $0 } + [nil]
            for array in [optional, [], [nil]] {
                let back: [T?] = try connection.run(.once("SELECT $1::\(type)[] AS value"), array).only()("value")
                #expect(back == array, sourceLocation: sourceLocation)
            }
            let rows = try connection.run(.once("SELECT unnest($1::\(type)[]) AS value"), values)
            let read = try rows.map { try $0("value") as T }
            #expect(read == values, sourceLocation: sourceLocation)
            let back: [T] = try connection.run(.once("SELECT $1::\(type)[] AS value"), values).only()("value")
            #expect(back == values, sourceLocation: sourceLocation)
        }
    }

    @Test func `arrays of every type, with NULLs and empty`() async throws {
        try await check("bool", [true, false])
        try await check("int2", [Int16.min, .max])
        try await check("int4", [Int32.min, .max])
        try await check("int8", [Int64.min, .max])
        try await check("int2", [Int(1), 2])
        try await check("numeric", [Int.min, .max])
        try await check("float8", [0.1, -.infinity])
        try await check("text", ["", "a,b", "{}", "\"", "\\", "NULL", "null", " ", "ü"])
        try await check("varchar", ["x"])
        try await check("bytea", [[UInt8](), [0, 255]])
        try await check("uuid", [Identifier.next(), Identifier.next()])
        try await check("timestamptz", [Instant(microseconds: 1), Instant(microseconds: .max)])
        try await check("interval", [Duration.seconds(1)])
        try await check("numeric", [Micros(millionths: 1), Micros(millionths: .min)])
        try await check("jsonb", [JSONText(text: "{\"a\": \"\\\\\\\"\"}"), JSONText(text: "null")])
        try await check("inet", [NetworkAddress("10.0.0.1"), NetworkAddress("::/0")])
        try await check("date", [CalendarDay(daysSince1970: 1)])
        try await withConnection { try $0.script("CREATE TYPE mood AS ENUM ('glad', 'not so glad')") }
        try await check("mood", ["glad", "not so glad"])
    }

    @Test func `ten thousand elements in one statement`() async throws {
        try await withConnection { connection in
            let numbers = Array(0..<10_000)
            let texts = numbers.map { "note \($0)" }
            let identifiers = numbers.map { _ in Identifier.next() }
            try connection.script("CREATE TABLE t (id uuid, number int8, note text)")
            let insert = Statement("t.insertMany", "INSERT INTO t SELECT * FROM unnest($1::uuid[], $2::int8[], $3::text[])")
            #expect(try connection.run(insert, identifiers, numbers, texts).affected == 10_000)
            let row = try connection.run(
                .once(
                    "SELECT array_agg(id ORDER BY number) AS ids, array_agg(number ORDER BY number) AS numbers, array_agg(note ORDER BY number) AS notes FROM t"
                )
            ).only()
            #expect(try row("ids") == identifiers)
            #expect(try row("numbers") == numbers)
            #expect(try row("notes") == texts)
        }
    }

    @Test func `random arrays come back as they went`() async throws {
        var random = SeededGenerator.fresh()
        let alphabet = Array("a{},\"\\ NULnul\t\n'ü🏭")
        let arrays: [[String?]] = (0..<200).map { _ in
            (0..<Int.random(in: 0...8, using: &random)).map { _ in
                if Int.random(in: 0..<5, using: &random) == 0 { return nil }
                return String((0..<Int.random(in: 0...6, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "a" })
            }
        }
        let numbers: [[Int?]] = arrays.map { $0.map { text in text.map { _ in Int.random(in: .min ... .max, using: &random) } } }
        try await withConnection { connection in
            let echo = Statement("echo", "SELECT $1::text[] AS texts, $2::int8[] AS numbers")
            for (texts, numbers) in zip(arrays, numbers) {
                let row = try connection.run(echo, texts, numbers).only()
                #expect(try row("texts") == texts)
                #expect(try row("numbers") == numbers)
            }
        }
    }

    @Test func `what is no flat array is refused`() async throws {
        try await withConnection { connection in
            let matrix = postgresError { let _: [Int] = try connection.run(.once("SELECT '{{1,2},{3,4}}'::int[] AS value")).only()("value") }
            #expect(matrix?.kind == .decoding)
            let null = postgresError { let _: [Int] = try connection.run(.once("SELECT '{1,NULL}'::int[] AS value")).only()("value") }
            #expect(null?.kind == .decoding)
            let scalar = postgresError { let _: [Int] = try connection.run(.once("SELECT 1 AS value")).only()("value") }
            #expect(scalar?.kind == .decoding)
            let bytes = postgresError { let _: [UInt8] = try connection.run(.once("SELECT '{1}'::int[] AS value")).only()("value") }
            #expect(bytes?.kind == .decoding)
            let error1 = postgresError { try connection.run(.once("SELECT $1::int[]"), [[1], [2]]) }
            #expect(error1?.kind == .invalidInput)
            let error2 = postgresError { try connection.run(.once("SELECT $1::int[]"), [1 << 40]) }
            #expect(error2?.kind == .invalidInput)
            let error3 = postgresError { try connection.run(.once("SELECT $1::uuid[]"), [1]) }
            #expect(error3?.kind == .invalidInput)
        }
    }
}
