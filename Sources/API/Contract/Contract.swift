internal import HTTPServer
internal import JSON

/// The API's description, `docs/openapi.json`, as the program uses it.
///
/// The document is not written about the code, it drives it: the router's routes, who may come in without credentials, which requests can be repeated,
/// and the checks of every parameter and body are read from here. What is documented is what happens, and the other way round; a schema with a
/// keyword that our validator does not know stops the program at its start.
struct Contract: Sendable {
    /// The document as it is served.
    let bytes: [UInt8]
    let document: JSONValue
    let operations: [ContractOperation]

    /// Reads a description.
    ///
    /// - Throws: `JSONError` with the place that is wrong.
    init(_ text: String) throws(JSONError) {
        bytes = Array(text.utf8)
        document = try JSONValue(parsing: text)
        var operations: [ContractOperation] = []
        for path in document["paths"]?.object?.members ?? [] {
            for member in path.value.object?.members ?? [] {
                operations.append(try ContractOperation(Method(member.key.uppercased()), path.key, member.value, in: document))
            }
        }
        self.operations = operations
    }

    /// The description that this program was built with.
    static let embedded: Contract = {
        do {
            return try Contract(EmbeddedOpenAPI.text)
        } catch {
            preconditionFailure("docs/openapi.json: \(error)")
        }
    }()
}

extension JSONValue {
    /// What a `$ref` stands for; any other value is itself.
    func resolved(in document: JSONValue) throws(JSONError) -> JSONValue {
        guard let reference = self["$ref"]?.string else { return self }
        var target: JSONValue? = document
        for name in reference.split(separator: "/").dropFirst() { target = target?[String(name)] }
        guard reference.hasPrefix("#/"), let target else { throw JSONError(.schema, "there is no \(reference)", path: reference) }
        return try target.resolved(in: document)
    }
}
