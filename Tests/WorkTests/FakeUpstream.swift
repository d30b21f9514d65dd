import Bytes
import Clocks
import JSON
import Synchronization

/// A server that speaks the reseller API out of a few dictionaries, and misbehaves where a test says so.
///
/// It keeps its promise about `Idempotency-Key`: the same key and body get the first answer again, and buy nothing.
final class FakeUpstream: Sendable {
    enum Step: Hashable, Sendable {
        case quote, order, job, plan, credentials
    }

    /// Where a misbehaviour takes the place of an answer.
    enum Moment: Sendable {
        /// Before anything was done.
        case before
        /// After it was done: only the answer is lost.
        case after
    }

    typealias Fault = @Sendable (_ step: Step, _ number: Int, _ moment: Moment) -> Sink.Answer?

    private struct Order {
        var body: [UInt8]
        var answer: JSONValue
    }

    private struct State {
        var counts: [Step: Int] = [:]
        /// Price checks that can be ordered.
        var quotes: Set<String> = []
        var used: Set<String> = []
        var orders: [String: Order] = [:]
        var bought = 0
        var delivers: Bool
        var planStatus = "active"
    }

    static let key = "up_live_0123456789abcdef"
    static let password = "s3cret-of-the-upstream"
    static let expiresAt = Instant(seconds: 1_893_456_000)

    private let state: Mutex<State>
    private let fault: Fault
    private let quoteLifetime: Duration
    private let price: (amount: String, currency: String)
    private let sink = Mutex<Sink?>(nil)

    /// - Parameters:
    ///   - delivers: false leaves orders waiting until `deliver` is called.
    ///   - quoteLifetime: for how long it says that its prices hold; it takes the order all the same.
    ///   - price: what it asks for, whatever is bought.
    init(
        delivers: Bool = true, quoteLifetime: Duration = .seconds(600), price: (amount: String, currency: String) = ("1.10", "USD"),
        fault: @escaping Fault = { _, _, _ in nil }
    ) {
        state = Mutex(State(delivers: delivers))
        self.fault = fault
        self.quoteLifetime = quoteLifetime
        self.price = price
        let sink = Sink { [weak self] request, _ in self?.answer(request) ?? .cut }
        self.sink.withLock { $0 = sink }
    }

    /// What a provider's base URL is.
    var url: String { "http://127.0.0.1:\(sink.withLock { $0?.port ?? 0 })/api/v1" }

    /// How many orders and extensions were really bought.
    var bought: Int { state.withLock { $0.bought } }
    /// The keys under which something was bought.
    var keys: [String] { state.withLock { $0.orders.keys.sorted() } }
    var requests: [Sink.Received] { sink.withLock { $0 }?.received ?? [] }

    func count(_ step: Step) -> Int { state.withLock { $0.counts[step] ?? 0 } }

    /// Lets everything that was ordered, and will be, be delivered.
    func deliver(as status: String = "active") {
        state.withLock { ($0.delivers, $0.planStatus) = (true, status) }
    }

    static func problem(_ status: Int, _ code: String) -> Sink.Answer {
        .status(status, body: (["status": .int(Int64(status)), "code": .string(code), "detail": "no"] as JSONValue).serialized())
    }

    private func answer(_ request: Sink.Received) -> Sink.Answer {
        guard request["Authorization"] == "Bearer \(Self.key)" else { return Self.problem(401, "unauthenticated") }
        let path = request.target.split(separator: "/").dropFirst(2).map(String.init)
        let step: Step
        switch (request.method, path.last, path.first) {
        case ("POST", "check-price", _): step = .quote
        case ("POST", "plans", _), ("POST", "extend", _): step = .order
        case ("GET", _, "jobs"): step = .job
        case ("GET", "credentials", _): step = .credentials
        case ("GET", _, "plans"): step = .plan
        default: return Self.problem(404, "not_found")
        }
        let number = state.withLock { state in
            state.counts[step, default: 0] += 1
            return state.counts[step] ?? 0
        }
        if let answer = fault(step, number, .before) { return answer }
        let answer = state.withLock { serve(step, request, path, &$0) }
        return fault(step, number, .after) ?? answer
    }

    private func serve(_ step: Step, _ request: Sink.Received, _ path: [String], _ state: inout State) -> Sink.Answer {
        func reply(_ status: Int, _ json: JSONValue) -> Sink.Answer { .status(status, body: json.serialized()) }
        switch step {
        case .quote:
            let id = "check_\(state.quotes.count + state.used.count + 1)"
            state.quotes.insert(id)
            return reply(
                200,
                [
                    "id": .string(id), "price": .string(price.amount), "currency": .string(price.currency),
                    "expiresAt": .string((Instant.now + quoteLifetime).text),
                ])
        case .order:
            return order(request, path, &state)
        case .job:
            return reply(200, ["id": .string(path[1]), "state": state.delivers ? "completed" : "queued", "result": .null])
        case .plan:
            let status = state.delivers ? state.planStatus : "pending"
            return reply(
                200,
                ["id": .string(path[1]), "status": .string(status), "quotaBytes": 7_000_000_000, "expiresAt": .string(Self.expiresAt.text)])
        case .credentials:
            let name = path[1] == "plan_up1" ? "up-user" : "up-user-\(path[1])"
            return reply(
                200,
                ["username": .string(name), "password": .string(Self.password), "host": "edge.upstream.example", "httpPort": 8000, "socksPort": 8001])
        }
    }

    private func order(_ request: Sink.Received, _ path: [String], _ state: inout State) -> Sink.Answer {
        guard let key = request["Idempotency-Key"] else { return Self.problem(400, "no_key") }
        if let earlier = state.orders[key] {
            return earlier.body == request.body
                ? .status(202, body: earlier.answer.serialized()) : Self.problem(422, "idempotency_key_reused")
        }
        let quote = (try? JSONValue(parsing: request.body))?["priceCheckId"]?.string ?? ""
        guard state.quotes.remove(quote) != nil else {
            return state.used.contains(quote) ? Self.problem(409, "price_check_used") : Self.problem(410, "price_check_expired")
        }
        state.used.insert(quote)
        state.bought += 1
        let plan = path.count > 1 ? path[1] : "plan_up\(state.bought)"
        let answer: JSONValue = [
            "job": ["id": .string("job_up\(state.bought)"), "state": "queued"], "plan": ["id": .string(plan), "status": "pending"],
        ]
        state.orders[key] = Order(body: request.body, answer: answer)
        return .status(202, body: answer.serialized())
    }
}
