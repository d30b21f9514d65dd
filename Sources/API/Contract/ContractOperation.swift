internal import HTTPServer
internal import JSON

/// One operation of the description: a method on a path.
struct ContractOperation: Sendable {
    /// What limits how often it is called, beside the general limit per address.
    enum RateLimit: String, Sendable {
        /// The general limit alone.
        case general
        /// A limit of its own on guessing passwords, taken by the handler.
        case login
        /// Documents from memory: no limit, no database.
        case none
    }

    let id: String
    let method: Method
    /// The path as it is documented, `/plans/{planId}`, and the other spellings that answer the same.
    let paths: [String]
    let summary: String
    /// Needs no credentials.
    let isPublic: Bool
    /// Honours `Idempotency-Key`.
    let isIdempotent: Bool
    let rateLimit: RateLimit
    let body: JSONSchema?
    let needsBody: Bool
    let pathParameters: [ContractParameter]
    let queryParameters: [ContractParameter]

    /// - Throws: `JSONError` with the place that is wrong.
    init(_ method: Method, _ path: String, _ value: JSONValue, in document: JSONValue) throws(JSONError) {
        let place = "/paths/\(JSONPointer.escaped(path))/\(method.text.lowercased())"
        guard let id = value["operationId"]?.string else { throw JSONError(.schema, "has no operationId", path: place) }
        self.id = id
        self.method = method
        paths = [path] + (value["x-aliases"]?.array?.compactMap(\.string) ?? [])
        summary = value["summary"]?.string ?? ""
        isPublic = value["x-public"]?.bool ?? false
        isIdempotent = value["x-idempotent"]?.bool ?? false
        let limit = value["x-rate-limit"]?.string ?? RateLimit.general.rawValue
        guard let rateLimit = RateLimit(rawValue: limit) else { throw JSONError(.schema, "is no rate limit", path: place + "/x-rate-limit") }
        self.rateLimit = rateLimit

        var parameters: [ContractParameter] = []
        for parameter in value["parameters"]?.array ?? [] {
            parameters.append(try ContractParameter(parameter.resolved(in: document), in: document, at: place))
        }
        pathParameters = parameters.filter { $0.place == .path }
        queryParameters = parameters.filter { $0.place == .query }

        let content = value["requestBody"]?["content"]?["application/json"]?["schema"]
        body = if let content { try JSONSchema(content, root: document) } else { nil }
        needsBody = value["requestBody"]?["required"]?.bool ?? false
    }
}
