import Bytes
import Clocks
import Faults
import Postgres
import TestSupport
import Testing

private struct EnoughOfIt: Error {}

@Suite(.database) struct CopyTests {
    private static let awkward: [String?] = [
        "", "plain", nil, "tab\there", "line\nbreak", "carriage\r\n", "back\\slash", "\\N", "\\.", "\\t", "ü🏭", "\u{8}\u{B}\u{C}", "a\\", "\t\t",
    ]
    private static let into = Statement("t.copyIn", "COPY t (id, note) FROM STDIN")
    private static let out = Statement("t.copyOut", "COPY (SELECT id, note FROM t ORDER BY id) TO STDOUT")

    @Test func `every awkward text goes in and comes out`() async throws {
        try await withConnection { connection in
            try connection.script("CREATE TABLE t (id int, note text)")
            let stored = try connection.copyIn(Self.into, rows: Self.awkward.enumerated().map { [$0.offset, $0.element] })
            #expect(stored == Self.awkward.count)
            for (row, text) in zip(try connection.run(.once("SELECT note FROM t ORDER BY id")), Self.awkward) {
                let note: String? = try row("note")
                #expect(note == text)
            }
            var received: [String?] = []
            let count = try connection.copyOutRows(Self.out) { fields in
                #expect(fields.count == 2)
                #expect(fields[0] == String(received.count))
                received.append(fields[1])
            }
            #expect(count == Self.awkward.count)
            #expect(received == Self.awkward)
        }
    }

    @Test func `random bytes of text survive`() async throws {
        var random = SeededGenerator.fresh()
        let alphabet = Array("a\\N.\t\n\r\u{8}\u{B}\u{C}bntrvfx0,\"'ü")
        let texts = (0..<500).map { _ in
            String((0..<Int.random(in: 0...12, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "a" })
        }
        try await withConnection { connection in
            try connection.script("CREATE TABLE t (id int, note text)")
            try connection.copyIn(Self.into, rows: texts.enumerated().map { [$0.offset, $0.element] })
            var received: [String?] = []
            try connection.copyOutRows(Self.out) { received.append($0[1]) }
            #expect(received == texts)
        }
    }

    @Test func `every kind of field arrives as what it is`() async throws {
        let id = Identifier.next()
        let instants = [0, -1, 1_700_000_000_123_456, 951_782_400_000_000, -210_866_803_200_000_000, .max].map { Instant(microseconds: $0) }
        try await withConnection { connection in
            try connection.script(
                """
                CREATE TABLE t (id uuid, at timestamptz, flag bool, amount numeric(20,6), ratio float8, data bytea, json jsonb, address inet, wait interval, small int2)
                """)
            let command = Statement("t.copyAll", "COPY t FROM STDIN")
            let all: [(any CopyField)?] = [
                id, instants[2], true, Micros(millionths: -1), 0.1, [UInt8](0...255), JSONText(text: "{\"a\\n\": \"b\\\\\"}"), NetworkAddress("::1"),
                Duration.milliseconds(-1500), Int16.min,
            ]
            try connection.copyIn(command) { writer in
                try writer.row(all)
                for instant in instants { try writer.row(nil, instant, nil, nil, nil, nil, nil, nil, nil, nil) }
            }
            let rows = try connection.run(.once("SELECT * FROM t"))
            let first = rows[0]
            #expect(try first("id") == id)
            #expect(try first("flag") == true)
            #expect(try first("amount") == Micros(millionths: -1))
            #expect(try first("ratio") == 0.1)
            #expect(try first("data") == [UInt8](0...255))
            #expect(try first("json") == JSONText(text: "{\"a\\n\": \"b\\\\\"}"))
            #expect(try first("address") == NetworkAddress("::1"))
            #expect(try first("wait") == Duration.milliseconds(-1500))
            #expect(try first("small") == Int16.min)
            let read = try rows.dropFirst().map { try $0("at") as Instant }
            #expect(read == instants)
        }
    }

    @Test func `many rows go by in chunks`() async throws {
        try await withConnection { connection in
            try connection.script("CREATE TABLE t (id int, note text)")
            let stored = try connection.copyIn(Self.into) { writer in
                for number in 0..<50_000 { try writer.row(number, "row number \(number)") }
            }
            #expect(stored == 50_000)
            var chunks = 0
            var bytes = 0
            let count = try connection.copyOut(Self.out) { chunk in
                chunks += 1
                bytes += chunk.count
                #expect(chunk.last == UInt8(ascii: "\n"))
                #expect(chunk.count < 70_000)
            }
            #expect(count == 50_000)
            #expect(chunks > 10)
            #expect(bytes == 50_000 * 13 + 2 * 238_890)
        }
    }

    @Test func `a sender that gives up leaves nothing behind`() async throws {
        try await withConnection { connection in
            try connection.script("CREATE TABLE t (id int PRIMARY KEY, note text)")
            thrown(EnoughOfIt.self) {
                try connection.copyIn(Self.into) { writer in
                    try writer.row(1, "one")
                    throw EnoughOfIt()
                }
            }
            #expect(try connection.run(.once("SELECT * FROM t")).isEmpty)
            let twice = postgresError { try connection.copyIn(Self.into, rows: [[1, "one"], [1, "again"]]) }
            #expect(twice?.kind == .uniqueViolation(constraint: "t_pkey"))
            #expect(twice?.statement == "t.copyIn")
            let wrong = postgresError { try connection.copyIn(Self.into, rows: [["no number", nil]]) }
            #expect(wrong?.kind == .invalidInput)
            #expect(try connection.run(.once("SELECT * FROM t")).isEmpty)
        }
    }

    @Test func `a receiver that has enough stops the server`() async throws {
        try await withConnection { connection in
            let endless = Statement("endless", "COPY (SELECT generate_series(1, 1000000000)) TO STDOUT")
            thrown(EnoughOfIt.self) { try connection.copyOut(endless) { _ in throw EnoughOfIt() } }
            let after = try connection.run(.once("SELECT 1"))
            #expect(after.count == 1)
        }
    }

    @Test func `commands of the wrong kind are refused and do no harm`() async throws {
        try await withConnection { connection in
            try connection.script("CREATE TABLE t (id int, note text)")
            let error1 = postgresError { try connection.copyIn(Self.out, rows: []) }
            #expect(error1?.kind == .invalidInput)
            let error2 = postgresError { try connection.copyOut(Self.into) { _ in } }
            #expect(error2?.kind == .invalidInput)
            let error3 = postgresError { try connection.copyOut(.once("SELECT 1")) { _ in } }
            #expect(error3?.kind == .invalidInput)
            let error4 = postgresError { try connection.run(Self.into) }
            #expect(error4?.kind == .invalidInput)
            let error5 = postgresError { try connection.script(Self.out.text) }
            #expect(error5?.kind == .invalidInput)
            #expect(try connection.run(.once("SELECT 1")).count == 1)
        }
    }
}
