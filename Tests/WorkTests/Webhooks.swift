import Business
import Bytes
import Clocks
import Crypto
import Engine
import JSON
import Postgres
import TestSupport

/// An endpoint of the rig's reseller and what is sent to it.
extension WorkRig {
    func endpoint(
        _ url: String, events: [String] = ["plan.purchased", "test"], form: SignatureForm = .standard
    ) async throws -> (id: Identifier, secret: WebhookSecret) {
        let caller = reseller
        let made = try await act { connection, business in
            var change = WebhookEndpointChange()
            (change.url, change.events, change.form) = (url, events, form)
            return try business.webhooks.create(change, by: caller, on: connection)
        }
        return (made.endpoint.id, try WebhookSecret(made.secret.reveal))
    }

    func emit(_ data: JSONValue = ["plan": ["id": "plan_1"]]) async throws {
        let account = north
        try await act { try $1.webhooks.emit(.planPurchased, account: account, data: data, on: $0) }
    }

    /// Sends one event to an endpoint and returns its delivery.
    func send(to endpoint: Identifier, _ data: JSONValue = ["plan": ["id": "plan_1"]]) async throws -> Identifier {
        try await emit(data)
        return try await deliveries(endpoint)[0].id
    }

    func read(_ endpoint: Identifier) async throws -> WebhookEndpoint {
        let caller = reseller
        return try await act { try $1.webhooks.find(endpoint, by: caller, on: $0) }
    }

    /// The newest first.
    func deliveries(_ endpoint: Identifier) async throws -> [WebhookDelivery] {
        let caller = reseller
        return try await act {
            try $1.webhooks.deliveries(of: endpoint, state: nil, type: nil, after: nil, limit: 200, by: caller, on: $0).items
        }
    }

    func log(_ delivery: Identifier) async throws -> (delivery: WebhookDelivery, body: String, attempts: [WebhookAttempt]) {
        let caller = reseller
        return try await act { try $1.webhooks.delivery(delivery, by: caller, on: $0) }
    }

    /// Waits until a delivery is in this state, and returns its log.
    @discardableResult
    func wait(
        _ delivery: Identifier, for state: WebhookDelivery.State
    ) async throws -> (delivery: WebhookDelivery, body: String, attempts: [WebhookAttempt]) {
        try await eventually("delivery \(delivery) is \(state)") { try await log(delivery).delivery.state == state }
        return try await log(delivery)
    }
}
