import Faults
import JSON
import Testing

@Suite struct WritingTests {
    @Test func `the compact form keeps the order of members`() throws {
        let text = #"{"z":1,"a":[true,null,"x"],"m":{"b":1.5,"a":-2}}"#
        #expect(try JSONValue(parsing: text).text == text)
    }

    @Test func `strings are escaped where RFC 8259 demands it and nowhere else`() {
        let value: JSONValue = "\"\\/\u{8}\u{c}\n\r\t\u{0}\u{1f}é😀\u{7f}"
        #expect(value.text == "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001fé😀\u{7f}\"")
    }

    @Test func `numbers are written so that they are read back the same`() {
        #expect(JSONValue.int(.min).text == "-9223372036854775808")
        #expect(JSONValue.double(0.1).text == "0.1")
        #expect(JSONValue.double(1).text == "1.0")
        #expect(JSONValue.double(1e21).text == "1e+21")
        #expect(JSONValue.double(.nan).text == "null")
        #expect(JSONValue.double(-.infinity).text == "null")
    }

    @Test func `the pretty form is for people`() {
        let value: JSONValue = ["a": [1, 2], "b": [:], "c": [], "d": ["e": nil]]
        #expect(
            value.prettyText == """
                {
                  "a": [
                    1,
                    2
                  ],
                  "b": {},
                  "c": [],
                  "d": {
                    "e": null
                  }
                }
                """)
    }

    @Test func `equal values have one canonical form, one hash`() throws {
        let left = try JSONValue(parsing: #"{"b": 1.0, "a": {"y": [1e0], "x": "\u0041"}}"#)
        let right = try JSONValue(parsing: #"{"a":{"x":"A","y":[1]},"b":1}"#)
        #expect(left == right)
        #expect(left.hashValue == right.hashValue)
        #expect(left.canonical() == right.canonical())
        #expect(String(decoding: left.canonical(), as: UTF8.self) == #"{"a":{"x":"A","y":[1]},"b":1}"#)
        #expect(left.text != right.text)
    }

    @Test func `values that differ are not equal`() {
        let pairs: [(JSONValue, JSONValue)] = [
            (["a": 1], ["a": 2]), (["a": 1], ["b": 1]), (["a": 1], ["a": 1, "b": 2]), ([1, 2], [2, 1]), (1, "1"), (nil, false), (0, nil), (1, 1.5),
            (["a": 1, "b": 2], ["b": 1, "a": 2]), (.int(.max), .double(9_223_372_036_854_775_808)),
        ]
        for (left, right) in pairs { #expect(left != right) }
    }

    @Test func `what is written is read back the same`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        for round in 0..<3_000 {
            let value = JSONValue.random(depth: 4, using: &generator)
            for bytes in [value.serialized(), Array(value.prettyText.utf8), value.canonical()] {
                let read = try JSONValue(parsing: bytes)
                #expect(read == value, "seed \(seed), round \(round)")
                #expect(read.hashValue == value.hashValue, "seed \(seed), round \(round)")
                #expect(read.canonical() == value.canonical(), "seed \(seed), round \(round)")
            }
        }
    }

    @Test func `no bytes make the parser crash, and what it accepts it writes back`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array(#"{}[]",:\u0019aeE+-. tfn"#.utf8) + [0x80, 0xC3, 0xA9, 0xF0, 0x0A, 0xFF]
        var accepted = 0
        for round in 0..<30_000 {
            var bytes = (0..<Int.random(in: 0..<12, using: &generator)).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            if round.isMultiple(of: 2) {
                // A valid text with one byte changed reaches deeper than noise does.
                bytes = JSONValue.random(depth: 2, using: &generator).serialized()
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let value = try? JSONValue(parsing: bytes) else { continue }
            accepted += 1
            #expect(try JSONValue(parsing: value.serialized()) == value, "seed \(seed), round \(round), bytes \(bytes)")
        }
        #expect(accepted > 100, "seed \(seed)")
    }
}
