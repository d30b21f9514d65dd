/// Turns schemas into rules, one by one, and follows references.
struct SchemaLoader {
    private let root: JSONValue
    private var rules: [SchemaRules] = []
    /// Where each rule stands in the schema, for errors.
    private var places: [String] = []
    private var references: [String: Int] = [:]

    private static let ignored: Set<String> = [
        "title", "description", "example", "examples", "default", "deprecated", "readOnly", "writeOnly", "$schema", "$id", "$comment", "$defs",
    ]
    private static let known: [String] = [
        "type", "nullable", "enum", "const", "properties", "required", "additionalProperties", "minProperties", "maxProperties", "items", "minItems",
        "maxItems", "uniqueItems", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
        "format", "oneOf", "anyOf", "allOf", "$ref",
    ]

    init(root: JSONValue) {
        self.root = root
    }

    /// The rules, when no schema leads back to itself without descending into the value: that would never end.
    func finished() throws(JSONError) -> [SchemaRules] {
        var state = [Int](repeating: 0, count: rules.count)
        for index in rules.indices { try visit(index, &state) }
        return rules
    }

    private func visit(_ index: Int, _ state: inout [Int]) throws(JSONError) {
        guard state[index] != 2 else { return }
        guard state[index] != 1 else { throw JSONError(.schema, "refers to itself without end", path: places[index]) }
        state[index] = 1
        for next in rules[index].inPlace { try visit(next, &state) }
        state[index] = 2
    }

    /// Loads the schema that stands at this place and answers its index.
    mutating func load(_ schema: JSONValue, at path: String) throws(JSONError) -> Int {
        let index = rules.count
        rules.append(SchemaRules())
        places.append(path)
        try fill(index, with: schema, at: path)
        return index
    }

    private mutating func fill(_ index: Int, with schema: JSONValue, at path: String) throws(JSONError) {
        var loaded = SchemaRules()
        switch schema {
        case .bool(let accepts): loaded.refusesAll = !accepts
        case .object(let object):
            for member in object.members where !Self.ignored.contains(member.key) && !member.key.hasPrefix("x-") {
                try load(member, of: object, into: &loaded, at: path + "/" + JSONPointer.escaped(member.key))
            }
        default: throw JSONError(.schema, "a schema must be an object or a boolean, was \(schema.kindName)", path: path)
        }
        rules[index] = loaded
    }

    private mutating func load(
        _ member: JSONObject.Member, of schema: JSONObject, into rules: inout SchemaRules, at path: String
    ) throws(JSONError) {
        let value = member.value
        switch member.key {
        case "type": rules.types = try types(value, nullable: schema["nullable"]?.bool ?? false, at: path)
        case "nullable": guard value.bool != nil else { throw mistake("must be true or false", path) }
        case "enum":
            guard let values = value.array, !values.isEmpty else { throw mistake("must be an array with at least one value", path) }
            restrict(&rules, to: schema["nullable"]?.bool == true ? values + [.null] : values)
        case "const": restrict(&rules, to: [value])
        case "properties":
            guard let object = value.object else { throw mistake("must be an object of schemas", path) }
            for property in object.members {
                rules.properties[property.key] = try load(property.value, at: path + "/" + JSONPointer.escaped(property.key))
            }
        case "required":
            guard let names = value.array?.compactMap(\.string), names.count == value.array?.count, Set(names).count == names.count else {
                throw mistake("must be an array of different names", path)
            }
            try mustBeDeclared(names, in: schema, at: path)
            rules.required = names
        case "additionalProperties":
            switch value {
            case .bool(let allowed): rules.additional = allowed ? .allowed : .refused
            default: rules.additional = .schema(try load(value, at: path))
            }
        case "minProperties": rules.minProperties = try count(value, path)
        case "maxProperties": rules.maxProperties = try count(value, path)
        case "items": rules.items = try load(value, at: path)
        case "minItems": rules.minItems = try count(value, path)
        case "maxItems": rules.maxItems = try count(value, path)
        case "uniqueItems":
            guard let unique = value.bool else { throw mistake("must be true or false", path) }
            rules.uniqueItems = unique
        case "minimum": rules.minimum = try number(value, path)
        case "maximum": rules.maximum = try number(value, path)
        case "exclusiveMinimum": rules.exclusiveMinimum = try number(value, path)
        case "exclusiveMaximum": rules.exclusiveMaximum = try number(value, path)
        case "multipleOf":
            guard let factor = value.double, factor > 0 else { throw mistake("must be a number above 0", path) }
            rules.multipleOf = value
        case "minLength": rules.minLength = try count(value, path)
        case "maxLength": rules.maxLength = try count(value, path)
        case "pattern":
            guard let text = value.string else { throw mistake("must be a string", path) }
            do { rules.pattern = try Pattern(text) } catch { throw mistake(error.description, path) }
        case "format": rules.format = try format(value, path)
        case "allOf": rules.all += try schemas(value, path)
        case "anyOf": rules.any.append(try schemas(value, path))
        case "oneOf": rules.one.append(try schemas(value, path))
        case "$ref": rules.all.append(try resolve(value, path))
        default:
            throw mistake("unknown keyword \(Excerpt.quoted(member.key))\(Spelling.hint(for: member.key, among: Self.known))", path)
        }
    }

    private func mistake(_ message: String, _ path: String) -> JSONError { JSONError(.schema, message, path: path) }

    private func types(_ value: JSONValue, nullable: Bool, at path: String) throws(JSONError) -> SchemaTypes {
        let names = value.array ?? [value]
        guard !names.isEmpty else { throw mistake("must name at least one type", path) }
        var types: SchemaTypes = nullable ? [.null] : []
        for name in names {
            guard let type = SchemaTypes.names.first(where: { $0.name == name.string })?.type else {
                let hint = name.string.map { Spelling.hint(for: $0, among: SchemaTypes.names.map(\.name)) } ?? ""
                throw mistake("must be a type\(hint.isEmpty ? ": " + SchemaTypes.names.map(\.name).joined(separator: ", ") : hint)", path)
            }
            types.insert(type)
        }
        return types
    }

    private func restrict(_ rules: inout SchemaRules, to values: [JSONValue]) {
        // Beside each other, `enum` and `const` must both hold.
        let values = rules.oneOfValues.map { earlier in values.filter(earlier.contains) } ?? values
        rules.oneOfValues = values
        let shown = values.prefix(12).map { Excerpt.plain($0.text) }.joined(separator: ", ")
        let more = values.count > 12 ? " and \(values.count - 12) more" : ""
        rules.valuesPhrase = values.count == 1 ? "must be \(shown)" : "must be one of \(shown)\(more)"
    }

    /// With `additionalProperties: false`, a required name that is not declared is a schema that refuses everything: surely a slip.
    private func mustBeDeclared(_ names: [String], in schema: JSONObject, at path: String) throws(JSONError) {
        guard schema["additionalProperties"] == false else { return }
        let declared = schema["properties"]?.object?.keys ?? []
        for name in names where !declared.contains(name) {
            throw mistake("requires \(Excerpt.quoted(name)), which is no property\(Spelling.hint(for: name, among: declared))", path)
        }
    }

    private func count(_ value: JSONValue, _ path: String) throws(JSONError) -> Int {
        guard let count = value.int, count >= 0 else { throw mistake("must be an integer of 0 or more", path) }
        return Int(count)
    }

    private func number(_ value: JSONValue, _ path: String) throws(JSONError) -> JSONValue {
        guard value.double != nil else { throw mistake("must be a number", path) }
        return value
    }

    private func format(_ value: JSONValue, _ path: String) throws(JSONError) -> Format {
        guard let name = value.string else { throw mistake("must be a string", path) }
        guard let format = Format(rawValue: name) else {
            throw mistake("unknown format \(Excerpt.quoted(name))\(Spelling.hint(for: name, among: Format.allCases.map(\.rawValue)))", path)
        }
        return format
    }

    private mutating func schemas(_ value: JSONValue, _ path: String) throws(JSONError) -> [Int] {
        guard let array = value.array, !array.isEmpty else { throw mistake("must be an array with at least one schema", path) }
        var indexes: [Int] = []
        for (position, schema) in array.enumerated() { indexes.append(try load(schema, at: path + "/\(position)")) }
        return indexes
    }

    private mutating func resolve(_ value: JSONValue, _ path: String) throws(JSONError) -> Int {
        guard let reference = value.string else { throw mistake("must be a string", path) }
        if let index = references[reference] { return index }
        for (prefix, schemas) in [("#/components/schemas/", root["components"]?["schemas"]), ("#/$defs/", root["$defs"])] {
            guard reference.hasPrefix(prefix) else { continue }
            let name = String(reference.dropFirst(prefix.count))
            guard let schema = schemas?[name] else {
                throw mistake("there is no \(Excerpt.quoted(reference))\(Spelling.hint(for: name, among: schemas?.object?.keys ?? []))", path)
            }
            // Registered before it is filled: the schema may refer to itself.
            let index = rules.count
            rules.append(SchemaRules())
            places.append(String(reference.dropFirst()))
            references[reference] = index
            try fill(index, with: schema, at: places[index])
            return index
        }
        throw mistake("must begin with #/components/schemas/ or #/$defs/", path)
    }
}
