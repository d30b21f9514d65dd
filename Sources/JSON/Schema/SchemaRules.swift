/// The kinds of values that a schema may ask for.
struct SchemaTypes: OptionSet, Sendable {
    let rawValue: UInt8

    static let null = SchemaTypes(rawValue: 1)
    static let boolean = SchemaTypes(rawValue: 2)
    static let integer = SchemaTypes(rawValue: 4)
    static let number = SchemaTypes(rawValue: 8)
    static let string = SchemaTypes(rawValue: 16)
    static let array = SchemaTypes(rawValue: 32)
    static let object = SchemaTypes(rawValue: 64)

    static let names: [(name: String, phrase: String, type: SchemaTypes)] = [
        ("boolean", "a boolean", .boolean), ("integer", "an integer", .integer), ("number", "a number", .number), ("string", "a string", .string),
        ("array", "an array", .array), ("object", "an object", .object), ("null", "null", .null),
    ]

    /// "an integer", "a string or null".
    var phrase: String {
        let phrases = Self.names.filter { contains($0.type) }.map(\.phrase)
        guard phrases.count > 1, let last = phrases.last else { return phrases.first ?? "nothing" }
        return phrases.dropLast().joined(separator: ", ") + " or " + last
    }

    /// An integral number is an integer however it was spelled (draft 2020-12, section 6.1.1).
    func accepts(_ value: JSONValue) -> Bool {
        switch value {
        case .null: contains(.null)
        case .bool: contains(.boolean)
        case .int: !isDisjoint(with: [.integer, .number])
        case .double(let value): contains(.number) || contains(.integer) && value.rounded() == value
        case .string: contains(.string)
        case .array: contains(.array)
        case .object: contains(.object)
        }
    }
}

/// The rules of one schema behind one reference, so that a check does not copy two dozen fields.
final class SchemaNode: Sendable {
    let rules: SchemaRules

    init(_ rules: SchemaRules) {
        self.rules = rules
    }
}

/// What one schema asks for; nil and empty mean that it does not care.
struct SchemaRules: Sendable {
    /// What may stand in an object beside its declared properties.
    enum Additional: Sendable {
        case allowed
        case refused
        case schema(Int)
    }

    /// The schema `false`: no value is right.
    var refusesAll = false
    var types: SchemaTypes?
    var oneOfValues: [JSONValue]?
    /// `enum` or `const` whose text is short enough for a message.
    var valuesPhrase = ""

    var properties: [String: Int] = [:]
    var required: [String] = []
    var additional = Additional.allowed
    var minProperties: Int?
    var maxProperties: Int?

    var items: Int?
    var minItems: Int?
    var maxItems: Int?
    var uniqueItems = false

    var minimum: JSONValue?
    var maximum: JSONValue?
    var exclusiveMinimum: JSONValue?
    var exclusiveMaximum: JSONValue?
    var multipleOf: JSONValue?

    var minLength: Int?
    var maxLength: Int?
    var pattern: Pattern?
    var format: Format?

    /// Schemas that look at the same value: `$ref` and `allOf`.
    var all: [Int] = []
    var any: [[Int]] = []
    var one: [[Int]] = []

    var caresAboutNumbers: Bool {
        minimum != nil || maximum != nil || exclusiveMinimum != nil || exclusiveMaximum != nil || multipleOf != nil
    }

    /// The schemas that are applied to the same value, not to a part of it.
    var inPlace: [Int] { all + any.joined() + one.joined() }
}
