import HTTPServer
import JSON

@testable import API

/// Values that fit a schema of the description: the smallest that it accepts.
struct Sample {
    let document: JSONValue

    /// A body for an operation; nil when it takes none.
    func body(of operation: ContractOperation) throws -> JSONValue? {
        let described = document["paths"]?[operation.paths[0]]?[operation.verb.lowercased()]
        guard let content = described?["requestBody"]?["content"]?["application/json"], let schema = content["schema"] else { return nil }
        var body = try content["example"] ?? value(schema)
        // A name would have to be looked up; the address is nobody's that we call.
        if body["url"] != nil { body["url"] = "https://93.184.215.14/hook" }
        return body
    }

    func value(_ schema: JSONValue) throws -> JSONValue {
        let schema = try schema.resolved(in: document)
        if let example = schema["example"] ?? schema["const"] ?? schema["enum"]?[0] { return example }
        let type = schema["type"]?.string ?? schema["type"]?[0]?.string ?? (schema["properties"] == nil ? nil : "object")
        switch type {
        case "object": return try object(schema)
        case "array":
            guard let items = schema["items"], (schema["minItems"]?.int ?? 0) > 0 else { return [] }
            return [try value(items)]
        case "integer", "number": return .int(schema["minimum"]?.int ?? 1)
        case "boolean": return true
        case "null": return .null
        case "string":
            if schema["format"]?.string == "date-time" { return "2027-01-31T12:00:00Z" }
            return .string(String(repeating: "a", count: Int(max(schema["minLength"]?.int ?? 1, 1))))
        default:
            if let first = schema["anyOf"]?[0] ?? schema["oneOf"]?[0] { return try value(first) }
            return "a"
        }
    }

    private func object(_ schema: JSONValue) throws -> JSONValue {
        var names = schema["required"]?.array?.compactMap(\.string) ?? []
        names += schema["anyOf"]?[0]?["required"]?.array?.compactMap(\.string) ?? []
        let properties = schema["properties"]?.object ?? JSONObject()
        if names.isEmpty, (schema["minProperties"]?.int ?? 0) > 0, let first = properties.keys.first { names = [first] }
        var object = JSONObject()
        for name in names { object[name] = try properties[name].map { try value($0) } }
        return .object(object)
    }
}
