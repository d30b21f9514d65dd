import JSON
import Synchronization
import Testing

@testable import Telemetry

/// A sink that keeps the records.
final class Recorder: Sendable {
    private let kept = Mutex<[LogRecord]>([])

    var sink: LogSink { { record in self.kept.withLock { $0.append(record) } } }
    var records: [LogRecord] { kept.withLock { $0 } }
}

@Suite struct LoggerTests {
    @Test func `a line has message, level, name, context and fields`() throws {
        let recorder = Recorder()
        let log = Logger("relay", sink: recorder.sink).with(["node": "n1", "size": 1])
        log.info(
            "batch committed", ["kind": "plan.purchase", "size": 64, "took": Duration.milliseconds(1500), "error": String?.none, "list": [1, 2]])
        let record = try #require(recorder.records.first)
        #expect(record.message == "batch committed")
        #expect(record.level == .info)
        #expect(record.logger == "relay")
        #expect(record.fields == ["node": "n1", "kind": "plan.purchase", "size": 64, "took": 1.5, "error": nil, "list": [1, 2]])

        let line = try JSONValue(parsing: record.jsonLine)
        #expect(line.object?.keys == ["time", "level", "logger", "message", "node", "size", "kind", "took", "error", "list"])
        #expect(line["time"]?.string.map(Format.dateTime.matches) == true)
        #expect(record.jsonLine.last == 0x0A)
    }

    @Test func `below the level nothing is evaluated`() {
        let recorder = Recorder()
        let log = Logger("x", level: .warning, sink: recorder.sink)
        var evaluated = 0
        func costly() -> String {
            evaluated += 1
            return "x"
        }
        log.trace(costly(), ["a": costly()])
        log.debug(costly())
        log.info(costly(), ["a": costly()])
        #expect(evaluated == 0)
        log.warning(costly())
        log.error(costly())
        #expect(evaluated == 2)
        #expect(recorder.records.map(\.level) == [.warning, .error])
        #expect(log.isEnabled(.error))
        #expect(!log.isEnabled(.info))
    }

    @Test func `a line stays one line, whatever is in it`() throws {
        let recorder = Recorder()
        let log = Logger("x", sink: recorder.sink)
        log.info("a\nb\u{1b}[2J\u{9b}", ["key\n": "v\r\n\u{202e}", "plain": "v", "quoted": "a \"b\"", "empty": "", "equals": "a=b"])
        let record = try #require(recorder.records.first)
        for line in [record.jsonLine, record.textLine] { #expect(line.count { $0 < 0x20 } == 1) }
        let text = String(decoding: record.textLine, as: UTF8.self)
        #expect(text.hasSuffix(#" INFO    x: a\u{a}b\u{1b}[2J\u{9b} key\u{a}="v\r\n\u{202e}" plain=v quoted="a \"b\"" empty="" equals="a=b""# + "\n"))
        #expect(try JSONValue(parsing: record.jsonLine)["key\n"]?.string == "v\r\n\u{202e}")
    }

    @Test func `a field cannot take the place of the record's own`() throws {
        let recorder = Recorder()
        Logger("x", sink: recorder.sink).error("m", ["level": "info", "message": "forged"])
        let line = try JSONValue(parsing: try #require(recorder.records.first).jsonLine)
        #expect(line["level"] == "error")
        #expect(line["message"] == "m")
        #expect(line["message_"] == "forged")
    }

    @Test func `another name keeps context and level`() {
        let recorder = Recorder()
        let log = Logger("a", level: .debug, sink: recorder.sink).with(["k": 1]).named("b")
        log.debug("m")
        #expect(recorder.records.map(\.logger) == ["b"])
        #expect(recorder.records.first?.fields == ["k": 1])
        Logger.silent.error("m")
    }

    @Test func `times are written in RFC 3339`() {
        #expect(LogTime.text(0) == "1970-01-01T00:00:00.000000Z")
        #expect(LogTime.text(1_798_761_599_999_999) == "2026-12-31T23:59:59.999999Z")
        #expect(LogTime.text(951_782_400_000_001) == "2000-02-29T00:00:00.000001Z")
        #expect(LogTime.text(-1) == "1969-12-31T23:59:59.999999Z")
        #expect(LogTime.text(4_107_542_400_000_000) == "2100-03-01T00:00:00.000000Z")
    }

    @Test func `levels have names and an order`() {
        // The settings hold the same list (`LogLevelName`).
        #expect(LogLevel.allCases.map(\.name) == ["trace", "debug", "info", "warning", "error"])
        #expect(LogLevel.allCases.allSatisfy { LogLevel(name: $0.name) == $0 })
        #expect(LogLevel(name: "loud") == nil)
        #expect(LogLevel.debug < .warning)
    }
}
