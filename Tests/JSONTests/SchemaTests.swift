import JSON
import Testing

@Suite struct SchemaTests {
    /// A schema, values that it accepts, and values with the violations (path, code, message) that it answers.
    struct Example: Sendable, CustomTestStringConvertible {
        var schema: JSONValue
        var accepted: [JSONValue]
        var refused: [(JSONValue, String, Violation.Code, String)]

        var testDescription: String { schema.text }
    }

    static let keywords: [Example] = [
        Example(
            schema: ["type": "integer"], accepted: [1, -1, 1.0, .int(.max)],
            refused: [
                (1.5, "", .wrongType, "must be an integer, was a number"), ("1", "", .wrongType, "must be an integer, was a string"),
                (nil, "", .wrongType, "must be an integer, was null"),
            ]),
        Example(schema: ["type": "number"], accepted: [1, 1.5], refused: [(true, "", .wrongType, "must be a number, was a boolean")]),
        Example(
            schema: ["type": ["string", "null"]], accepted: ["a", nil],
            refused: [(1, "", .wrongType, "must be a string or null, was an integer")]),
        Example(
            schema: ["type": "string", "nullable": true], accepted: ["a", nil],
            refused: [([], "", .wrongType, "must be a string or null, was an array")]),
        Example(schema: ["type": "boolean"], accepted: [true], refused: [(0, "", .wrongType, "must be a boolean, was an integer")]),
        Example(schema: ["type": "object"], accepted: [[:]], refused: [([], "", .wrongType, "must be an object, was an array")]),
        Example(
            schema: ["properties": ["a": ["type": "integer"], "b/c": ["type": "array", "items": ["minimum": 1]]]],
            accepted: [[:], ["a": 1, "other": "x"], "no object"],
            refused: [
                (["a": "x"], "/a", .wrongType, "must be an integer, was a string"),
                (["b/c": [1, -5]], "/b~1c/1", .tooSmall, "must be at least 1, was -5"),
            ]),
        Example(schema: ["required": ["a"]], accepted: [["a": nil]], refused: [(["b": 1], "/a", .required, "is required")]),
        Example(
            schema: ["properties": ["amount": true, "note": true], "additionalProperties": false], accepted: [["amount": 1]],
            refused: [
                (["amout": 1], "/amout", .unknownField, "unknown field \"amout\": did you mean \"amount\"?"),
                (["zzz": 1], "/zzz", .unknownField, "unknown field \"zzz\""),
                (["amount": 1, "amonut": 1], "/amonut", .unknownField, "unknown field \"amonut\""),
            ]),
        Example(
            schema: ["additionalProperties": ["type": "integer"]], accepted: [["a": 1]],
            refused: [(["a": "1"], "/a", .wrongType, "must be an integer, was a string")]),
        Example(
            schema: ["minProperties": 1, "maxProperties": 2], accepted: [["a": 1]],
            refused: [
                ([:], "", .tooFewFields, "must have at least 1 fields, has 0"),
                (["a": 1, "b": 1, "c": 1], "", .tooManyFields, "must have at most 2 fields, has 3"),
            ]),
        Example(
            schema: ["minItems": 1, "maxItems": 2, "uniqueItems": true], accepted: [[1], [1, 2]],
            refused: [
                ([], "", .tooFewItems, "must have at least 1 items, has 0"), ([1, 2, 3], "", .tooManyItems, "must have at most 2 items, has 3"),
                ([1, 1.0], "/1", .duplicateItem, "repeats an earlier item"),
            ]),
        Example(
            schema: ["enum": ["red", "green", 1]], accepted: ["red", 1, 1.0],
            refused: [
                ("a secret", "", .notInEnum, "must be one of \"red\", \"green\", 1"), (nil, "", .notInEnum, "must be one of \"red\", \"green\", 1"),
            ]),
        Example(schema: ["const": ["a": 1]], accepted: [["a": 1]], refused: [(["a": 2], "", .notInEnum, "must be {\"a\":1}")]),
        Example(schema: ["enum": ["a"], "nullable": true], accepted: ["a", nil], refused: [("b", "", .notInEnum, "must be one of \"a\", null")]),
        Example(
            schema: ["minimum": 1, "maximum": 10], accepted: [1, 10, 1.5],
            refused: [(-5, "", .tooSmall, "must be at least 1, was -5"), (10.5, "", .tooLarge, "must be at most 10, was 10.5")]),
        Example(
            schema: ["exclusiveMinimum": 0, "exclusiveMaximum": 1], accepted: [0.5],
            refused: [(0, "", .tooSmall, "must be more than 0, was 0"), (1, "", .tooLarge, "must be less than 1, was 1")]),
        Example(
            schema: ["maximum": .int(.max - 1)], accepted: [.int(.max - 1)],
            refused: [(.int(.max), "", .tooLarge, "must be at most 9223372036854775806, was 9223372036854775807")]),
        Example(schema: ["multipleOf": 5], accepted: [10, 0, -5], refused: [(7, "", .notMultiple, "must be a multiple of 5, was 7")]),
        Example(
            schema: ["multipleOf": 0.01], accepted: [4.35, 1, 19.99], refused: [(4.351, "", .notMultiple, "must be a multiple of 0.01, was 4.351")]),
        Example(
            schema: ["minLength": 2, "maxLength": 3], accepted: ["ab", "éé", "😀😀😀", 5],
            refused: [
                ("é", "", .tooShort, "must have at least 2 characters, has 1"), ("", "", .tooShort, "must not be empty"),
                ("abcd", "", .tooLong, "must have at most 3 characters, has 4"),
            ]),
        Example(schema: ["pattern": "^[a-z]+$"], accepted: ["abc", 5], refused: [("Ab", "", .patternMismatch, "must match the pattern ^[a-z]+$")]),
        Example(schema: ["format": "email"], accepted: ["a@b.example", 5], refused: [("a", "", .badFormat, "must be an e-mail address")]),
        Example(
            schema: ["allOf": [["minimum": 1], ["maximum": 3]]], accepted: [2],
            refused: [(0, "", .tooSmall, "must be at least 1, was 0"), (4, "", .tooLarge, "must be at most 3, was 4")]),
        Example(
            schema: ["anyOf": [["type": "integer", "minimum": 1], ["type": "string"]]], accepted: [1, "a"],
            refused: [(0, "", .tooSmall, "must be at least 1, was 0"), (nil, "", .noMatch, "matches none of the 2 alternatives")]),
        Example(
            schema: ["oneOf": [["multipleOf": 2], ["multipleOf": 3]]], accepted: [2, 3, 4],
            refused: [(6, "", .ambiguous, "must match exactly one alternative, matches 2"), (7, "", .noMatch, "matches none of the 2 alternatives")]),
        Example(
            schema: [
                "oneOf": [
                    ["properties": ["kind": ["const": "a"], "size": ["type": "integer"]], "required": ["kind"]],
                    ["properties": ["kind": ["const": "b"]], "required": ["kind"]],
                ]
            ],
            accepted: [["kind": "a"], ["kind": "b", "size": "x"]],
            refused: [(["kind": "a", "size": "x"], "/size", .wrongType, "must be an integer, was a string")]),
        Example(
            schema: [
                "$ref": "#/$defs/tree",
                "$defs": ["tree": ["type": "object", "properties": ["children": ["type": "array", "items": ["$ref": "#/$defs/tree"]]]]],
            ],
            accepted: [[:], ["children": [["children": []]]]],
            refused: [(["children": [["children": [1]]]], "/children/0/children/0", .wrongType, "must be an object, was an integer")]),
        Example(schema: true, accepted: [1, nil], refused: []),
        Example(schema: ["properties": ["a": false]], accepted: [[:]], refused: [(["a": 1], "/a", .notAllowed, "is not allowed")]),
        Example(
            schema: [
                "title": "t", "description": "d", "example": 1, "examples": [1], "default": 1, "deprecated": true, "x-note": 1, "$comment": "c",
            ], accepted: [1], refused: []),
    ]

    @Test(arguments: keywords) func `each keyword accepts and refuses`(example: Example) throws {
        let schema = try JSONSchema(example.schema)
        for value in example.accepted {
            #expect(schema.validate(value) == [], "\(value)")
            #expect(schema.accepts(value))
        }
        for (value, path, code, message) in example.refused {
            #expect(schema.validate(value) == [Violation(path: path, code: code, message: message)])
            #expect(!schema.accepts(value))
        }
    }

    static let mistakes: [(JSONValue, String, String)] = [
        (["minimun": 1], "/minimun", "unknown keyword \"minimun\": did you mean \"minimum\"?"),
        (["properties": ["a": ["wat": 1]]], "/properties/a/wat", "unknown keyword \"wat\""),
        (["type": "strin"], "/type", "must be a type: did you mean \"string\"?"),
        (["type": []], "/type", "must name at least one type"),
        (["format": "uid"], "/format", "unknown format \"uid\": did you mean \"uuid\"?"),
        (["pattern": "a("], "/pattern", "expected \")\", at character 3 of the pattern"),
        (["enum": []], "/enum", "must be an array with at least one value"),
        (["required": "a"], "/required", "must be an array of different names"),
        (["required": ["a", "a"]], "/required", "must be an array of different names"),
        (
            ["properties": ["amount": true], "additionalProperties": false, "required": ["amout"]], "/required",
            "requires \"amout\", which is no property: did you mean \"amount\"?"
        ),
        (["minLength": -1], "/minLength", "must be an integer of 0 or more"),
        (["minimum": "1"], "/minimum", "must be a number"),
        (["multipleOf": 0], "/multipleOf", "must be a number above 0"),
        (["anyOf": []], "/anyOf", "must be an array with at least one schema"),
        (["$ref": "#/$defs/tre", "$defs": ["tree": true]], "/$ref", "there is no \"#/$defs/tre\": did you mean \"tree\"?"),
        (["$ref": "http://example.org/"], "/$ref", "must begin with #/components/schemas/ or #/$defs/"),
        (["$ref": "#/$defs/a", "$defs": ["a": ["allOf": [["$ref": "#/$defs/a"]]]]], "/$defs/a", "refers to itself without end"),
        (["items": 1], "/items", "a schema must be an object or a boolean, was an integer"),
        ([], "", "a schema must be an object or a boolean, was an array"),
    ]

    @Test(arguments: mistakes) func `a wrong schema is refused at load`(schema: JSONValue, path: String, message: String) {
        let error = #expect(throws: JSONError.self) { try JSONSchema(schema) }
        #expect(error?.kind == .schema)
        #expect(error?.path == path)
        #expect(error?.message == message)
    }

    @Test func `references resolve in the root document`() throws {
        let document: JSONValue = ["components": ["schemas": ["Money": ["type": "integer", "minimum": 0]]]]
        let schema = try JSONSchema(["properties": ["price": ["$ref": "#/components/schemas/Money"]]], root: document)
        #expect(schema.validate(["price": -1]).first?.path == "/price")
        #expect(schema.accepts(["price": 1]))
    }

    @Test func `all mistakes are told, up to the limit`() throws {
        let schema = try JSONSchema([
            "required": ["id"], "properties": ["id": true, "list": ["items": ["type": "integer"]]], "additionalProperties": false,
        ])
        let violations = schema.validate(["list": ["a", 1, "b"], "more": 1])
        #expect(violations.map(\.path) == ["/id", "/list/0", "/list/2", "/more"])
        let many = JSONValue.array((0..<1000).map { _ in "x" })
        #expect(schema.validate(["id": 1, "list": many]).count == 50)
        #expect(schema.validate(["id": 1, "list": many], limit: 3).count == 3)
    }

    @Test func `no message repeats a text of the value`() throws {
        let secret = "hunter2-hunter2"
        let schema = try JSONSchema([
            "properties": [
                "a": ["type": "integer"], "b": ["enum": ["x"]], "c": ["format": "uuid"], "d": ["pattern": "^x$"], "e": ["maxLength": 3],
            ]
        ])
        let violations = schema.validate([
            "a": .string(secret), "b": .string(secret), "c": .string(secret), "d": .string(secret), "e": .string(secret),
        ])
        #expect(violations.map(\.code) == [.wrongType, .notInEnum, .badFormat, .patternMismatch, .tooLong])
        #expect(!violations.contains { $0.description.contains("hunter2") })
    }

    @Test func `a long foreign key is cut in path and message`() throws {
        let schema = try JSONSchema(["additionalProperties": false])
        let violation = try #require(schema.validate([String(repeating: "k\n", count: 1000): 1]).first)
        #expect(violation.description.utf8.count < 400)
        #expect(!violation.description.contains("\n"))
    }
}
