import JSON
import Testing

@testable import API

/// The description by itself.
@Suite struct ContractTests {
    private let contract = Contract.embedded
    private var document: JSONValue { contract.document }

    @Test func `every described operation is carried out, and nothing else`() {
        let (missing, undescribed) = Operations.differences(to: contract)
        #expect(missing == [])
        #expect(undescribed == [])
    }

    @Test func `a description with one operation more or less is noticed`() throws {
        var text = EmbeddedText.openAPI
        text.replace("\"operationId\": \"getBalance\"", with: "\"operationId\": \"getBalanced\"")
        let (missing, undescribed) = Operations.differences(to: try Contract(text))
        #expect(missing == ["getBalanced"])
        #expect(undescribed == ["getBalance"])
    }

    @Test func `operations have names of their own, a group, and a summary`() {
        let ids = contract.operations.map(\.id)
        #expect(Set(ids).count == ids.count)
        let tags = Set((document["tags"]?.array ?? []).compactMap { $0["name"]?.string })
        for (place, operation) in described {
            let summary = operation["summary"]?.string
            #expect(summary?.isEmpty == false, "\(place)")
            for tag in operation["tags"]?.array ?? [] { #expect(tags.contains(tag.string ?? ""), "\(place)") }
        }
    }

    @Test func `all references lead somewhere, and every schema is one that we can check`() throws {
        var references: Set<String> = []
        collect(document, into: &references)
        for reference in references { _ = try JSONValue.object(["$ref": .string(reference)]).resolved(in: document) }
        for schema in document["components"]?["schemas"]?.object?.members ?? [] {
            #expect(throws: Never.self, "\(schema.key)") { try JSONSchema(schema.value, root: document) }
        }
    }

    @Test func `what is not public says who may not come in, and everything says what may go wrong`() {
        for (place, operation) in described {
            let statuses = Set((operation["responses"]?.object?.keys ?? []).compactMap { Int($0) })
            #expect(statuses.contains { $0 < 300 }, "\(place)")
            #expect(statuses.contains(500), "\(place)")
            if operation["x-public"] != true { #expect(statuses.isSuperset(of: [401, 403, 429, 503]), "\(place)") }
            if operation["requestBody"] != nil { #expect(statuses.isSuperset(of: [400, 413, 415, 422]), "\(place)") }
            if place.contains("{") { #expect(statuses.contains(404), "\(place)") }
        }
    }

    @Test func `examples fit their schemas`() throws {
        let sample = Sample(document: document)
        for operation in contract.operations {
            guard let body = try sample.body(of: operation) else { continue }
            #expect(operation.body?.validate(body) == [], "\(operation.id): \(body)")
        }
        let problem = try JSONSchema(["$ref": "#/components/schemas/Problem"], root: document)
        for response in document["components"]?["responses"]?.object?.members ?? [] {
            let example = try #require(response.value["content"]?["application/problem+json"]?["example"], "\(response.key)")
            #expect(problem.validate(example) == [], "\(response.key)")
        }
    }

    @Test func `bodies refuse what they do not know`() {
        for operation in contract.operations {
            guard let body = operation.body else { continue }
            let violations = body.validate(["surelyNoField": 1])
            #expect(violations.contains { $0.code == .unknownField && $0.path == "/surelyNoField" }, "\(operation.id)")
        }
    }

    @Test func `a change that creates or moves something takes an Idempotency-Key`() {
        for (place, operation) in described where place.hasPrefix("post ") {
            let created = operation["responses"]?["201"] != nil || operation["responses"]?["202"] != nil
            guard created, operation["operationId"]?.string != "retryJob" else { continue }
            #expect(operation["x-idempotent"] == true, "\(place)")
        }
    }

    private var described: [(place: String, operation: JSONValue)] {
        (document["paths"]?.object?.members ?? []).flatMap { path in
            (path.value.object?.members ?? []).map { ("\($0.key) \(path.key)", $0.value) }
        }
    }

    private func collect(_ value: JSONValue, into references: inout Set<String>) {
        switch value {
        case .object(let object):
            for member in object.members {
                if member.key == "$ref", let reference = member.value.string { references.insert(reference) }
                collect(member.value, into: &references)
            }
        case .array(let elements): for element in elements { collect(element, into: &references) }
        default: break
        }
    }
}

enum EmbeddedText {
    static var openAPI: String { EmbeddedOpenAPI.text }
}
