import JSON
import Testing

@Suite struct CodingTests {
    enum Kind: String, Codable { case simple, double = "dbl" }

    struct Line: Codable, Equatable {
        var amount: Int64
        var note: String?
        var weight: Double
    }

    struct Order: Codable, Equatable {
        var id: String
        var open: Bool
        var kind: Kind
        var lines: [Line]
        var tags: [String: [Int]]
        var extra: JSONValue
        var object: JSONObject
        var optional: JSONValue?
        var missing: Line?
    }

    let order = Order(
        id: "é", open: true, kind: .double, lines: [Line(amount: .max, note: nil, weight: 0.1), Line(amount: .min, note: "n", weight: -2)],
        tags: ["x": [1, 2], "y": []], extra: ["z": 1, "a": [nil]], object: ["q": 1, "b": 2.5], optional: .null, missing: nil)

    @Test func `a nested type survives the way there and back`() throws {
        let value = try JSONValue(encoding: order)
        #expect(value["lines"]?.text == #"[{"amount":9223372036854775807,"weight":0.1},{"amount":-9223372036854775808,"note":"n","weight":-2.0}]"#)
        #expect(value["extra"]?.text == #"{"z":1,"a":[null]}"#)
        #expect(value["missing"] == nil)
        var decoded = try JSONValue(parsing: value.serialized()).decode(Order.self)
        #expect(decoded.optional == nil)
        decoded.optional = .null
        #expect(decoded == order)
    }

    @Test func `integers of every width are exact`() throws {
        #expect(try JSONValue.int(.max).decode(UInt64.self) == UInt64(Int64.max))
        #expect(try JSONValue.int(255).decode(UInt8.self) == 255)
        #expect(try JSONValue.double(3).decode(Int.self) == 3)
        for value in [JSONValue.int(256), -1] {
            #expect(throws: JSONError.self) { try value.decode(UInt8.self) }
        }
        #expect(throws: JSONError.self) { try JSONValue.double(1.5).decode(Int.self) }
        #expect(throws: JSONError.self) { try JSONValue.double(1e19).decode(Int64.self) }
        #expect(throws: JSONError.self) { try JSONValue(encoding: UInt64.max) }
        #expect(throws: JSONError.self) { try JSONValue(encoding: [Double.nan]) }
        #expect(try JSONValue(encoding: [UInt64(7)]) == [7])
    }

    static let mistakes: [(String, String, String)] = [
        (#"{"lines":[{"amount":"1","weight":1}]}"#, "/lines/0/amount", "must be an integer, was a string"),
        (#"{"lines":[{"amount":1,"weight":1},{"amount":1}]}"#, "/lines/1/weight", "is required"),
        (#"{"lines":[{"amount":1.5,"weight":1}]}"#, "/lines/0/amount", "must be an integer, was a number"),
        (#"{"lines":{}}"#, "/lines", "must be an array, was an object"),
        (#"{"lines":[null]}"#, "/lines/0", "must be an object, was null"),
        (#"{"lines":[],"kind":"secret-value"}"#, "/kind", "is not one of the accepted values"),
        (#"[]"#, "", "must be an object, was an array"),
        (#"{}"#, "/lines", "is required"),
    ]

    struct Basket: Decodable {
        var lines: [Line]
        var kind: Kind?
    }

    @Test(arguments: mistakes) func `an error names the path and not the value`(text: String, path: String, message: String) throws {
        let value = try JSONValue(parsing: text)
        let error = #expect(throws: JSONError.self) { try value.decode(Basket.self) }
        #expect(error?.path == path)
        #expect(error?.message == message)
        #expect(error?.kind == .mismatch)
    }

    struct Even: Decodable {
        struct Odd: Error, CustomStringConvertible { var description: String { "must be even" } }

        init(from decoder: any Decoder) throws {
            guard try decoder.singleValueContainer().decode(Int.self).isMultiple(of: 2) else { throw Odd() }
        }
    }

    @Test func `a type's own error is located too`() {
        let error = #expect(throws: JSONError.self) { try JSONValue.array([2, 3]).decode([Even].self) }
        #expect(error?.description == "/1: must be even")
    }

    @Test func `the encoder locates what JSON cannot say`() {
        let error = #expect(throws: JSONError.self) { try JSONValue(encoding: ["a": [1.0, .infinity]]) }
        #expect(error?.path == "/a/1")
    }

    @Test func `enums with payloads and optionals in arrays survive`() throws {
        enum Step: Codable, Equatable { case wait(seconds: Int), stop }
        let steps: [Step?] = [.wait(seconds: 3), nil, .stop]
        let value = try JSONValue(encoding: steps)
        #expect(value.text == #"[{"wait":{"seconds":3}},null,{"stop":{}}]"#)
        #expect(try value.decode([Step?].self) == steps)
        #expect(try JSONValue.null.decode(Int?.self) == nil)
        #expect(try JSONValue(encoding: Int?.none) == .null)
    }
}
