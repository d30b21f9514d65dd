internal import Bytes
internal import HTTPClient
internal import JSON

/// A client of the API, as a customer's program would be one.
struct DemoClient: Sendable {
    let base: String
    let http: HTTPClient
    var token: String?

    struct Answer: Sendable {
        var status: Int
        var body: JSONValue
    }

    func signedIn(_ username: String, _ password: String) async throws -> DemoClient {
        let answer = try await post("/auth/login", ["username": .string(username), "password": .string(password)], expecting: 200)
        guard let token = answer["token"]?.string else { throw CommandFailure(.failure, "the login gave no token") }
        var client = self
        client.token = token
        return client
    }

    func get(_ path: String) async throws -> JSONValue { try await expect(200, send(.get, path, nil)) }

    func post(_ path: String, _ body: JSONValue, key: String? = nil, expecting status: Int) async throws -> JSONValue {
        try await expect(status, send(.post, path, body, key: key))
    }

    func send(_ method: ClientRequest.Method, _ path: String, _ body: JSONValue?, key: String? = nil) async throws -> Answer {
        var headers: HeaderFields = ["Accept": "application/json"]
        if body != nil { headers.add("Content-Type", "application/json") }
        if let token { headers.add("Authorization", "Bearer \(token)") }
        if let key { headers.add("Idempotency-Key", key) }
        let response = try await http.send(
            ClientRequest(method, base + "/api/v1" + path, headers: headers, body: body?.serialized() ?? [], destination: .trusted))
        return Answer(status: response.status, body: response.body.isEmpty ? .null : try JSONValue(parsing: response.body))
    }

    private func expect(_ status: Int, _ answer: Answer) throws -> JSONValue {
        guard answer.status == status else {
            throw CommandFailure(.failure, "the API answered \(answer.status) instead of \(status): \(answer.body.text)")
        }
        return answer.body
    }
}
