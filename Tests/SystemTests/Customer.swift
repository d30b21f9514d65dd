import Bytes
import HTTPClient
import JSON
import TestSupport
import Testing

/// A client of a rig's API, as a customer's program would be one.
struct Customer: Sendable {
    struct Answer: Sendable {
        var status: Int
        var body: JSONValue

        var code: String? { body["code"]?.string }
    }

    /// An accepted purchase.
    struct Purchase: Sendable {
        var planID: String
        var jobID: String
    }

    /// An answer that the test does not go on with.
    struct Unexpected: Error, CustomStringConvertible {
        let description: String
    }

    private static let http = HTTPClient()

    let base: String
    private var authorization: (name: String, value: String)?

    init(of rig: SystemRig) { base = "http://127.0.0.1:\(rig.apiPort)" }

    /// Waits until the API serves, and logs in.
    static func enters(_ rig: SystemRig, _ username: String = Market.username) async throws -> Customer {
        var customer = Customer(of: rig)
        try await customer.waits()
        let login = try await customer.post("/auth/login", ["username": .string(username), "password": .string(Market.password)], expecting: 200)
        guard let token = login["token"]?.string else { throw Unexpected(description: "the login gave no token") }
        customer.authorization = ("Authorization", "Bearer \(token)")
        return customer
    }

    /// Until the API serves.
    func waits() async throws {
        let base = base
        try await eventually("the API serves") {
            let answer = try? await Self.http.send(ClientRequest(.get, base + "/readyz", destination: .trusted))
            return answer?.status == 200
        }
    }

    /// The same customer with an API key.
    func with(apiKey: String) -> Customer {
        var customer = self
        customer.authorization = ("X-API-Key", apiKey)
        return customer
    }

    var token: String { String(authorization?.value.split(separator: " ").last ?? "") }

    // MARK: - Requests

    func send(_ method: ClientRequest.Method, _ path: String, _ body: JSONValue? = nil, key: String? = nil) async throws -> Answer {
        var headers: HeaderFields = ["Accept": "application/json"]
        if body != nil { headers.add("Content-Type", "application/json") }
        if let authorization { headers.add(authorization.name, authorization.value) }
        if let key { headers.add("Idempotency-Key", key) }
        let response = try await Self.http.send(
            ClientRequest(method, base + "/api/v1" + path, headers: headers, body: body?.serialized() ?? [], destination: .trusted))
        return Answer(status: response.status, body: response.body.isEmpty ? .null : try JSONValue(parsing: response.body))
    }

    func get(_ path: String) async throws -> JSONValue { try await Self.expect(200, send(.get, path), path) }

    func post(_ path: String, _ body: JSONValue, key: String? = nil, expecting status: Int) async throws -> JSONValue {
        try Self.expect(status, await send(.post, path, body, key: key), path)
    }

    private static func expect(_ status: Int, _ answer: Answer, _ path: String) throws -> JSONValue {
        guard answer.status == status else { throw Unexpected(description: "\(path) answered \(answer.status), not \(status): \(answer.body.text)") }
        return answer.body
    }

    /// Sends a request until it is answered for good, always under the same key, as a careful program does.
    func insists(_ path: String, _ body: JSONValue, key: String) async throws -> Answer {
        var last: Answer?
        try await eventually("\(path) is answered for good", within: .seconds(60)) {
            do {
                let answer = try await send(.post, path, body, key: key)
                last = answer
                return answer.status < 500 && answer.code != "request_in_progress"
            } catch is HTTPClientError {
                return false
            }
        }
        return last ?? Answer(status: 0, body: .null)
    }

    // MARK: - Purchases

    /// Checks a price and buys, whatever happens to the API meanwhile.
    func buys(_ product: String = "residential") async throws -> Purchase {
        try await orders("/plans", "/plans/check-price", ["product": .string(product), "quantity": 3])
    }

    /// Buys two gigabytes more of a plan.
    func extends(_ plan: String) async throws -> Purchase {
        try await orders("/plans/\(plan)/extend", "/plans/\(plan)/extend/check-price", ["quantity": 2])
    }

    private func orders(_ path: String, _ checkPath: String, _ wanted: JSONValue) async throws -> Purchase {
        let check = try await insists(checkPath, wanted, key: Identifier.next().description)
        guard check.status == 200, let id = check.body["id"] else { throw Unexpected(description: "no price: \(check.status) \(check.body.text)") }
        let answer = try await insists(path, ["priceCheckId": id], key: Identifier.next().description)
        guard answer.status == 202, let plan = answer.body["plan"]?["id"]?.string, let job = answer.body["job"]?["id"]?.string else {
            throw Unexpected(description: "no purchase: \(answer.status) \(answer.body.text)")
        }
        return Purchase(planID: plan, jobID: job)
    }
}
