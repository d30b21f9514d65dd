import Business
import Bytes
import Clocks
import Crypto
import JSON
import Postgres

/// Endpoints, events and what became of them, in a shop.
struct WebhookDesk: Sendable {
    let shop: Shop
    let business: Business

    /// - Parameter change: other rules than the usual ones.
    static func open(_ change: (inout Rules) -> Void = { _ in }) async throws -> WebhookDesk {
        let shop = try await Shop.open(credit: .zero)
        var rules = Rules()
        change(&rules)
        return WebhookDesk(shop: shop, business: Business(ledger: shop.business.ledger, keys: shop.business.keys, rules: rules))
    }

    func close() { shop.close() }

    @discardableResult
    func act<R: Sendable>(_ body: @escaping @Sendable (Connection, Webhooks) throws -> R) async throws -> R {
        let webhooks = business.webhooks
        return try await shop.database.transaction { try body($0, webhooks) }
    }

    static func change(
        _ url: String = "https://receiver.example/hooks", events: [String] = ["*"], form: SignatureForm? = nil, active: Bool? = nil
    ) -> WebhookEndpointChange {
        var change = WebhookEndpointChange()
        change.url = url
        change.events = events
        change.form = form
        change.active = active
        return change
    }

    /// Makes an endpoint of this account.
    func endpoint(
        of account: Identifier, events: [String] = ["*"], form: SignatureForm? = nil
    ) async throws -> (id: Identifier, secret: WebhookSecret) {
        let caller = shop.reseller(account)
        let made = try await act { try $1.create(Self.change(events: events, form: form), by: caller, on: $0) }
        return (made.endpoint.id, try WebhookSecret(made.secret.reveal))
    }

    func read(_ endpoint: Identifier, by account: Identifier) async throws -> WebhookEndpoint {
        let caller = shop.reseller(account)
        return try await act { try $1.find(endpoint, by: caller, on: $0) }
    }

    func emit(_ type: WebhookEventType = .planPurchased, of account: Identifier, _ data: JSONValue = ["plan": "p"]) async throws {
        try await act { try $1.emit(type, account: account, data: data, on: $0) }
    }

    /// All deliveries of an endpoint, oldest first.
    func deliveries(_ endpoint: Identifier, of account: Identifier) async throws -> [WebhookDelivery] {
        let caller = shop.reseller(account)
        return try await act { try $1.deliveries(of: endpoint, state: nil, type: nil, after: nil, limit: 200, by: caller, on: $0).items.reversed() }
    }

    /// What becomes of a delivery in a worker's hand.
    func dispatch(_ delivery: WebhookDelivery, job: Identifier? = nil, queue: String = "webhook") async throws -> WebhookDispatch {
        let (id, job) = (delivery.id, job ?? delivery.jobID)
        return try await act { try $1.dispatch([(id, job, queue)], on: $0)[id] ?? .skip }
    }

    /// What a worker would send; nil when it would not.
    func message(_ delivery: WebhookDelivery, job: Identifier? = nil) async throws -> WebhookMessage? {
        guard case .send(let message) = try await dispatch(delivery, job: job) else { return nil }
        return message
    }

    /// What the worker does with an answer, without the worker.
    func record(_ delivery: WebhookDelivery, status: Int?, at start: Instant = .now, final: Bool = false) async throws {
        guard let message = try await message(delivery) else { return }
        try await record(message, status: status, at: start, final: final)
    }

    func record(
        _ message: WebhookMessage, status: Int?, at start: Instant = .now, taking duration: Duration = .zero, throttled: Duration? = nil,
        final: Bool = false
    ) async throws {
        try await act { connection, webhooks in
            var attempt = WebhookAttempt(startedAt: start)
            attempt.durationMicroseconds = duration.microseconds
            attempt.status = status
            let isDelivered = status.map { (200..<300).contains($0) } ?? false
            if !isDelivered { attempt.errorCode = status.map { "http_\($0)" } ?? "connect_failed" }
            let verdict: WebhookResult.Verdict =
                isDelivered ? .delivered : status == 410 ? .gone : throttled.map { .throttled($0) } ?? .failed
            try webhooks.record([WebhookResult(attempt, of: message, verdict, isFinal: isDelivered || final)], on: connection)
        }
    }

    /// Lets the jobs of all deliveries that have ended end too.
    func endJobs() async throws {
        try await act { connection, _ in
            let ended = "select job_id from webhook_deliveries where state <> 'pending'"
            try connection.script("delete from outbox where job_id in (\(ended)); delete from jobs where id in (\(ended))")
        }
    }
}
