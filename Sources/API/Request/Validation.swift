internal import HTTPServer
internal import JSON

/// Checks a request against the description, before any handler sees it.
///
/// The path's identifiers: what is malformed cannot be anything's, so it is 404 like an unknown one. The query: 400. The body: 415 when it is no JSON by
/// its own account, 400 when it is none in fact, 422 when it does not fit its schema. Everything that is wrong is said at once.
struct Validation: Sendable {
    let operation: ContractOperation
    let request: Request

    /// - Throws: `Problem` `not_found`.
    func path() throws(Problem) {
        for parameter in operation.pathParameters {
            guard let text = request.parameters[parameter.name], parameter.read(text).violations.isEmpty else { throw Problems.nothingHere }
        }
    }

    /// The query's values.
    ///
    /// - Throws: `Problem` `invalid_parameter`.
    func query() throws(Problem) -> JSONObject {
        var values = JSONObject()
        var mistakes: [Problems.Mistake] = []
        for item in request.query.items {
            guard let parameter = operation.queryParameters.first(where: { $0.name == item.name }) else {
                let hint = Spelling.hint(for: item.name, among: operation.queryParameters.map(\.name))
                mistakes.append(.init(parameter: item.name, code: "unknown_parameter", message: "unknown parameter" + hint))
                continue
            }
            let (value, violations) = parameter.read(item.value)
            mistakes += violations.map { .init(parameter: item.name, code: $0.code.rawValue, message: $0.message) }
            if item.value.unicodeScalars.contains("\0") { mistakes.append(.nulCharacter(parameter: item.name)) }
            if !values.append(item.name, value) {
                mistakes.append(.init(parameter: item.name, code: "repeated_parameter", message: "stands more than once"))
            }
        }
        for parameter in operation.queryParameters where parameter.isRequired && values[parameter.name] == nil {
            mistakes.append(.init(parameter: parameter.name, code: Violation.Code.required.rawValue, message: "is required"))
        }
        guard mistakes.isEmpty else { throw Problems.invalidParameters(mistakes) }
        return values
    }

    /// The body's value; an empty object when there is none and none is needed.
    ///
    /// - Throws: `Problem` `unsupported_media_type`, `malformed_json`, `body_required`, `validation_failed`.
    func body() throws(Problem) -> JSONValue {
        guard !request.body.isEmpty else {
            if operation.needsBody { throw Problem(400, "body_required", "The request is not understood", detail: "This needs a body of JSON.") }
            return .object(JSONObject())
        }
        guard isJSON else {
            throw Problem(415, "unsupported_media_type", "The body is no JSON", detail: "Send the body as application/json.")
        }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: request.body)
        } catch {
            throw Problems.malformed(error)
        }
        let violations: [Violation]
        if let schema = operation.body {
            violations = schema.validate(value)
        } else if value == .object(JSONObject()) {
            violations = []
        } else {
            violations = [Violation(code: .notAllowed, message: "must be left out: this takes no body")]
        }
        let mistakes = violations.map { Problems.Mistake(field: $0.path, code: $0.code.rawValue, message: $0.message) }
        guard mistakes.isEmpty else { throw Problems.invalidBody(mistakes) }
        if let path = value.firstNulCharacter() { throw Problems.invalidBody([.nulCharacter(field: path)]) }
        return value
    }

    private var isJSON: Bool {
        guard let type = request.headers["Content-Type"] else { return false }
        let essence = type.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased()
        return essence == "application/json" || essence.hasPrefix("application/") && essence.hasSuffix("+json")
    }
}

extension JSONValue {
    /// Where a text holds U+0000, which PostgreSQL cannot store; nil when none does.
    fileprivate func firstNulCharacter(at path: String = "") -> String? {
        switch self {
        case .string(let text): return text.utf8.contains(0) ? path : nil
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                if let found = element.firstNulCharacter(at: "\(path)/\(index)") { return found }
            }
        case .object(let object):
            for member in object.members {
                let place = path + "/" + JSONPointer.escaped(member.key)
                if member.key.utf8.contains(0) { return place }
                if let found = member.value.firstNulCharacter(at: place) { return found }
            }
        case .null, .bool, .int, .double: break
        }
        return nil
    }
}
