internal import JSON

/// A parameter of an operation, with how its text becomes a value.
struct ContractParameter: Sendable {
    enum Place: String, Sendable {
        case path, query, header
    }

    private enum Reading: Sendable {
        case text, integer, boolean
        /// Separated by commas (`style: form`, `explode: false`).
        case list
    }

    let name: String
    let place: Place
    let isRequired: Bool
    private let schema: JSONSchema
    private let reading: Reading

    /// - Throws: `JSONError` with the place that is wrong.
    init(_ value: JSONValue, in document: JSONValue, at path: String) throws(JSONError) {
        guard let name = value["name"]?.string, let place = value["in"]?.string.flatMap(Place.init), let schema = value["schema"] else {
            throw JSONError(.schema, "has a parameter without name, place or schema", path: path)
        }
        self.name = name
        self.place = place
        isRequired = value["required"]?.bool ?? false
        self.schema = try JSONSchema(schema, root: document)
        reading =
            switch try schema.resolved(in: document)["type"]?.string {
            case "integer": .integer
            case "boolean": .boolean
            case "array": .list
            default: .text
            }
    }

    /// The value of a text, and what is wrong with it.
    ///
    /// A text that is no number stays a text, so that the schema says what it should be.
    func read(_ text: String) -> (value: JSONValue, violations: [Violation]) {
        let value: JSONValue =
            switch reading {
            case .text: .string(text)
            case .integer: Int64(text).map(JSONValue.int) ?? .string(text)
            case .boolean: text == "true" ? true : text == "false" ? false : .string(text)
            case .list: .array(text.split(separator: ",", omittingEmptySubsequences: false).map { .string(String($0)) })
            }
        return (value, schema.validate(value, limit: 10))
    }
}
