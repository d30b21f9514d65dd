import JSON
import Testing

@Suite struct ParsingTests {
    static let accepted: [(String, JSONValue)] = [
        ("null", nil), (" true\n", true), ("false", false), ("\t\r\n0 ", 0), ("-0", 0), ("-1", -1), ("1.5", 1.5), ("1e2", 100), ("1E+2", 100.0),
        ("1e-2", 0.01), ("-0.0", .double(-0.0)), ("0e1", 0),
        ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)), ("9223372036854775808", .double(9_223_372_036_854_775_808)),
        ("123456789012345678901234567890", .double(1.2345678901234568e29)), ("1.7976931348623157e308", .double(.greatestFiniteMagnitude)),
        ("5e-324", .double(.leastNonzeroMagnitude)), ("1e-999", 0),
        ("\"\"", ""), ("\"a\"", "a"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u0041\u00e9\uD83D\uDE00""#, "A\u{e9}😀"),
        (#""\u0000""#, "\u{0}"), (#""\uFFFF""#, "\u{FFFF}"), ("\"é😀\u{2028}\u{7f}\"", "é😀\u{2028}\u{7f}"), (#""\u00E9\u00e9""#, "éé"),
        ("[]", []), ("[ ]", []), ("[1,[2],{}]", [1, [2], [:]]), ("{}", [:]), (#"{"a":{"b":[null]}}"#, ["a": ["b": [nil]]]), (#"{"":1}"#, ["": 1]),
        (#"{"a\u0062":1}"#, ["ab": 1]),
    ]

    @Test(arguments: accepted) func `a valid text gives its value`(text: String, value: JSONValue) throws {
        #expect(try JSONValue(parsing: text) == value)
    }

    static let refused: [(String, Int, Int, String)] = [
        ("", 1, 1, "expected a value, the text ends"),
        ("  ", 1, 3, "expected a value, the text ends"),
        ("\u{FEFF}1", 1, 1, "expected a value"),
        ("1 2", 1, 3, "the end of the text"),
        ("[1,]", 1, 4, "expected a value, found \"]\""),
        ("[1 2]", 1, 4, "\",\" or \"]\""),
        ("[", 1, 2, "expected a value, the text ends"),
        ("[1", 1, 3, "\",\" or \"]\" after the element, the text ends"),
        ("{", 1, 2, "a key in quotes or \"}\""),
        ("{a:1}", 1, 2, "a key in quotes"),
        (#"{"a":1,}"#, 1, 8, "a key in quotes, found \"}\""),
        (#"{"a" 1}"#, 1, 6, "\":\" after the key"),
        (#"{"a":}"#, 1, 6, "expected a value"),
        ("{\n  \"é\": 1,\n  \"é\": 2\n}", 3, 3, "the key \"é\" stands twice"),
        (#"{"a":1,"\u0061":2}"#, 1, 8, "stands twice"),
        ("nul", 1, 1, "null"), ("nulll", 1, 5, "the end"), ("True", 1, 1, "a value"), ("NaN", 1, 1, "a value"), ("Infinity", 1, 1, "a value"),
        ("-", 1, 2, "a digit"), ("+1", 1, 1, "a value"), ("01", 1, 1, "superfluous zero"), ("-01", 1, 2, "superfluous zero"), ("1.", 1, 3, "a digit"),
        (".5", 1, 1, "a value"), ("1e", 1, 3, "a digit"), ("1e+", 1, 4, "a digit"), ("0x1", 1, 2, "the end"), ("1e400", 1, 1, "too large"),
        ("-1e400", 1, 1, "too large"), ("--1", 1, 2, "a digit"),
        ("\"", 1, 1, "not closed"), ("\"a", 1, 1, "not closed"), (#""\"#, 1, 3, "an escape"), (#""\x""#, 1, 2, "unknown escape"),
        (#""\u12""#, 1, 6, "four hexadecimal digits"), (#""\ud800""#, 1, 2, "surrogate"), (#""\ud800\u0041""#, 1, 2, "surrogate"),
        (#""\udc00""#, 1, 2, "surrogate"), (#""\ud800\ud800""#, 1, 2, "surrogate"), ("\"\n\"", 1, 2, "control character"),
        ("\"\u{0}\"", 1, 2, "control character"), (#"'a'"#, 1, 1, "a value"), ("/* */1", 1, 1, "a value"), ("[1]]", 1, 4, "the end"),
        ("\"\\n\t\"", 1, 4, "control character"),
    ]

    @Test(arguments: refused) func `a wrong text says where and what was expected`(text: String, line: Int, column: Int, message: String) {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
        #expect(error?.line == line)
        #expect(error?.column == column)
        #expect(error?.message.contains(message) == true, "\(String(describing: error))")
    }

    static let invalidUTF8: [[UInt8]] = [
        [0x80], [0xC3], [0xC0, 0xAF], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF],
        [0xE0, 0x80, 0xAF], [0xF8, 0x88, 0x80, 0x80, 0x80],
    ]

    @Test(arguments: invalidUTF8) func `invalid UTF-8 is refused`(bytes: [UInt8]) {
        for (before, after) in [("\"", "\""), ("\"\\n", "\""), ("{\"", "\":1}"), ("", "")] {
            #expect(throws: JSONError.self) { try JSONValue(parsing: Array(before.utf8) + bytes + Array(after.utf8)) }
        }
    }

    @Test func `nesting is accepted up to the limit and refused beyond`() throws {
        func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(throws: Never.self) { try JSONValue(parsing: nested(64)) }
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: nested(65)) }
        #expect(error?.kind == .limit)
        #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: "[", count: 1_000_000)) }
        #expect(throws: Never.self) { try JSONValue(parsing: "[[],[],{}]", limits: JSONLimits(depth: 2)) }
    }

    @Test func `a text that is too long is refused unread`() {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "[1, 2", limits: JSONLimits(bytes: 4)) }
        #expect(error?.kind == .limit)
    }

    @Test func `a large object is checked for duplicates in linear time`() throws {
        let members = (0..<200_000).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        let object = try #require(try JSONValue(parsing: "{\(members)}").object)
        #expect(object.count == 200_000)
        #expect(object["k199999"] == 199_999)
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "{\(members),\"k7\":0}") }
        #expect(error?.kind == .duplicateKey)
    }

    @Test func `long keys are cut in messages`() {
        let key = String(repeating: "k", count: 500)
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "{\"\(key)\":1,\"\(key)\":2}") }
        #expect((error?.message.utf8.count ?? 999) < 120)
    }
}
