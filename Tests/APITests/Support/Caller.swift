import API
import HTTPClient
import JSON
import Testing

@testable import API

/// Somebody who calls the API of a rig, with the credentials they have.
///
/// Every answer is held against the description.
struct APICaller: Sendable {
    let rig: APIRig
    var headers: [(String, String)] = []

    /// An answer.
    struct Answer: Sendable {
        let status: Int
        let json: JSONValue
        private let headers: HeaderFields
        let body: [UInt8]

        /// The problem's code; nil for an answer that is none.
        var code: String? { status >= 400 ? json["code"]?.string : nil }
        subscript(name: String) -> JSONValue? { json[name] }

        init(_ response: ClientResponse) {
            status = response.status
            json = (try? JSONValue(parsing: response.body)) ?? .null
            headers = response.headers
            body = response.body
        }

        func header(_ name: String) -> String? { headers[name] }
    }

    func with(_ name: String, _ value: String) -> APICaller {
        var copy = self
        copy.headers.append((name, value))
        return copy
    }

    func get(_ path: String) async throws -> Answer { try await send(.get, path) }
    func post(_ path: String, _ body: JSONValue? = nil) async throws -> Answer { try await send(.post, path, body) }
    func put(_ path: String, _ body: JSONValue) async throws -> Answer { try await send(.put, path, body) }
    func patch(_ path: String, _ body: JSONValue) async throws -> Answer { try await send(.patch, path, body) }
    func delete(_ path: String) async throws -> Answer { try await send(.delete, path) }

    func send(_ method: ClientRequest.Method, _ path: String, _ body: JSONValue? = nil) async throws -> Answer {
        try await send(method, path, bytes: body?.serialized() ?? [], type: body == nil ? nil : "application/json")
    }

    /// Calls an operation of the description.
    func send(_ operation: ContractOperation, _ path: String, _ body: JSONValue?) async throws -> Answer {
        try await send(ClientRequest.Method(rawValue: operation.verb).orThrow(), path, body)
    }

    /// - Parameter path: below `/api/v1`, or whole when it begins with `/api` or is one of the paths beside it.
    func send(
        _ method: ClientRequest.Method, _ path: String, bytes: [UInt8], type: String?, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        let isWhole = ["/api/", "/docs", "/healthz", "/readyz", "/metrics"].contains { path.hasPrefix($0) }
        let whole = isWhole ? path : "/api/v1" + path
        var fields = HeaderFields()
        for (name, value) in headers { fields.add(name, value) }
        if let type { fields.add("Content-Type", type) }
        let response = try await rig.client.send(
            ClientRequest(
                method, "http://127.0.0.1:\(rig.port)\(whole)", headers: fields, body: bytes, timeout: .seconds(30), destination: .trusted))
        let answer = Answer(response)
        rig.contract.judge(method.rawValue, whole, answer, sourceLocation: sourceLocation)
        return answer
    }
}

extension APIRig {
    /// Nobody.
    var nobody: APICaller { APICaller(rig: self) }

    /// Somebody who has logged in, with a token.
    func login(_ username: String) async throws -> APICaller {
        let answer = try await nobody.post("/auth/login", ["username": .string(username), "password": .string(world.password)])
        let token = try #require(answer["token"]?.string, "\(answer.json)")
        return nobody.with("Authorization", "Bearer " + token)
    }

    /// Somebody in a browser: a cookie, and the Origin that browsers send.
    func browser(_ username: String) async throws -> APICaller {
        let answer = try await nobody.post(
            "/auth/login", ["username": .string(username), "password": .string(world.password), "cookie": true])
        #expect(answer["token"] == nil)
        let cookie = try #require(answer.header("Set-Cookie")?.split(separator: ";").first.map(String.init))
        return nobody.with("Cookie", cookie).with("Origin", "http://127.0.0.1:\(port)")
    }
}
