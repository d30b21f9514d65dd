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

    /// What the worker does with an answer, without the worker.
    func record(_ delivery: WebhookDelivery, status: Int?, at start: Instant = .now, final: Bool = false) async throws {
        let job = delivery.jobID
        try await act { connection, webhooks in
            guard let message = try webhooks.message(delivery.id, job: job, now: .now, on: connection) else { return }
            var attempt = WebhookAttempt(startedAt: start)
            attempt.status = status
            let isDelivered = status.map { (200..<300).contains($0) } ?? false
            if !isDelivered { attempt.errorCode = status.map { "http_\($0)" } ?? "connect_failed" }
            try webhooks.record(attempt, of: message, delivered: isDelivered, final: isDelivered || final, gone: status == 410, on: connection)
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
