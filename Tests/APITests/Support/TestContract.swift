import HTTPClient
import HTTPServer
import JSON
import Testing

@testable import API

/// The description as a judge of answers: status documented, body fit for its schema, problem code in the table.
///
/// Every test of this target talks to the API through it, so an answer that the description does not know fails whichever test first sees it.
struct TestContract: Sendable {
    static let shared: TestContract = {
        do {
            return try TestContract(Contract.embedded)
        } catch {
            preconditionFailure("docs/openapi.json: \(error)")
        }
    }()

    let contract: Contract
    let codes: [String: Int]
    private let answers: [String: [Int: Documented]]

    private struct Documented: Sendable {
        /// Nil: no body, or one that is not JSON.
        var schema: JSONSchema?
        var type: String?
    }

    init(_ contract: Contract) throws {
        self.contract = contract
        let document = contract.document
        var codes: [String: Int] = [:]
        for member in document["x-error-codes"]?.object?.members ?? [] {
            codes[member.key] = member.value["status"]?.int.flatMap { Int(exactly: $0) }
        }
        self.codes = codes
        var answers: [String: [Int: Documented]] = [:]
        for operation in contract.operations {
            let path = operation.paths[0]
            let described = document["paths"]?[path]?[operation.method.text.lowercased()]
            var documented: [Int: Documented] = [:]
            for answer in described?["responses"]?.object?.members ?? [] {
                let value = try answer.value.resolved(in: document)
                let content = value["content"]?.object?.members.first
                let isJSON = content?.key.hasSuffix("json") ?? false
                documented[Int(answer.key) ?? 0] = Documented(
                    schema: try isJSON ? content?.value["schema"].map { try JSONSchema($0, root: document) } : nil, type: content?.key)
            }
            answers[operation.id] = documented
        }
        self.answers = answers
    }

    /// The statuses that an operation may answer.
    func statuses(of operation: String) -> Set<Int> { Set((answers[operation] ?? [:]).keys) }

    func judge(_ method: String, _ path: String, _ answer: APICaller.Answer, sourceLocation: SourceLocation) {
        if answer.status >= 400, path.hasPrefix("/api/") {
            let code = answer.json["code"]?.string ?? ""
            #expect(answer.header("Content-Type") == "application/problem+json", "\(method) \(path)", sourceLocation: sourceLocation)
            #expect(
                codes[code] == answer.status, "\(method) \(path): the code \(code) with \(answer.status) is not in x-error-codes",
                sourceLocation: sourceLocation)
        }
        guard let id = operation(method, path) else { return }
        guard let documented = answers[id]?[answer.status] else {
            Issue.record("\(id) answered \(answer.status), which is not documented: \(answer.json)", sourceLocation: sourceLocation)
            return
        }
        guard let schema = documented.schema else {
            if documented.type == nil { #expect(answer.body.isEmpty, "\(id) \(answer.status)", sourceLocation: sourceLocation) }
            return
        }
        let violations = schema.validate(answer.json)
        #expect(violations.isEmpty, "\(id) \(answer.status): \(answer.json)", sourceLocation: sourceLocation)
    }

    private func operation(_ method: String, _ path: String) -> String? {
        guard let target = RequestTarget(path), case let segments = target.segments, !segments.isEmpty else { return nil }
        return contract.operations.first { operation in
            operation.method.text == method
                && operation.paths.contains { pattern in
                    let parts = pattern.split(separator: "/").map(String.init)
                    let rest = Array(segments.dropFirst(segments.count > 1 && segments[1] == "v1" ? 2 : 1))
                    return parts.count == rest.count && zip(parts, rest).allSatisfy { $0 == $1 || $0.hasPrefix("{") }
                }
                && isMostExact(operation, segments)
        }?.id
    }

    /// `/webhooks/event-types` is not `/webhooks/{webhookId}`.
    private func isMostExact(_ operation: ContractOperation, _ segments: [String]) -> Bool {
        let rest = "/" + segments.dropFirst(segments.count > 1 && segments[1] == "v1" ? 2 : 1).joined(separator: "/")
        guard operation.paths.contains(where: { $0.contains("{") }) else { return true }
        return !contract.operations.contains { $0.method == operation.method && $0.paths.contains(rest) }
    }
}

extension ContractOperation {
    /// `GET`.
    var verb: String { method.text }
}

extension APIRig {
    /// An operation's path with ids in it: those given by name, else ids that nobody has.
    func path(of operation: ContractOperation, id: (String) -> String?) -> String {
        let document = contract.contract.document
        var path = operation.paths[0]
        let described = document["paths"]?[path]?[operation.verb.lowercased()]
        for parameter in (described?["parameters"]?.array ?? []).compactMap({ try? $0.resolved(in: document) }) {
            guard let name = parameter["name"]?.string, parameter["in"] == "path" else { continue }
            let example = (try? parameter["schema"]?.resolved(in: document))?["example"]?.string ?? "something"
            path.replace("{\(name)}", with: id(name) ?? example)
        }
        return path
    }
}
