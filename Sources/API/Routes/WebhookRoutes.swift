internal import Business
internal import Bytes
internal import Crypto
internal import HTTPClient
internal import JSON

/// Endpoints that hear of events.
///
/// A URL is judged before the transaction, because that asks the name service; and again at every delivery.
enum WebhookRoutes {
    static let operations: [String: Operation] = [
        "listWebhooks": .read { call, connection in
            .page(
                try call.business.webhooks.list(
                    account: call.query.id("accountId"), after: call.cursor, limit: call.limit, by: call.caller, on: connection), \.json)
        },
        "createWebhook": .change(after: checkURL) { call, _, connection in
            let (endpoint, secret) = try call.business.webhooks.create(WebhookEndpointChange(call.body), by: call.caller, on: connection)
            return .created(
                ["webhook": endpoint.json, "secret": .string(secret.reveal)], at: "/webhooks/" + endpoint.id.text("we"), shownOnce: "secret")
        },
        "listEventTypes": .read { _, _ in
            .list(WebhookEventType.allCases.map { ["name": .string($0.rawValue), "description": .string($0.summary)] })
        },
        "getWebhook": .read { call, connection in
            .ok(try call.business.webhooks.find(call.id("webhookId"), by: call.caller, on: connection).json)
        },
        "replaceWebhook": .change(after: checkURL) { call, _, connection in
            var change = WebhookEndpointChange(call.body)
            change.description = change.description ?? ""
            change.form = change.form ?? .standard
            change.active = change.active ?? true
            change.maximumInFlight = change.maximumInFlight ?? WebhookEndpointChange.standardInFlight
            change.ratePerSecond = change.ratePerSecond ?? .some(nil)
            return .ok(try call.business.webhooks.update(call.id("webhookId"), change, by: call.caller, on: connection).json)
        },
        "updateWebhook": .change(after: checkURL) { call, _, connection in
            .ok(try call.business.webhooks.update(call.id("webhookId"), WebhookEndpointChange(call.body), by: call.caller, on: connection).json)
        },
        "deleteWebhook": .change { call, connection in
            try call.business.webhooks.delete(call.id("webhookId"), by: call.caller, on: connection)
            return .done
        },
        "testWebhook": .change { call, connection in
            let sending = try call.business.webhooks.sendTest(call.id("webhookId"), by: call.caller, on: connection)
            return try DeliveryRoutes.accepted(sending, call, connection)
        },
        "regenerateWebhookSecret": .change { call, connection in
            let (endpoint, secret) = try call.business.webhooks.rotateSecret(call.id("webhookId"), by: call.caller, on: connection)
            return Reply(200, ["webhook": endpoint.json, "secret": .string(secret.reveal)], shownOnce: "secret")
        },
    ]

    /// Only for those who may change endpoints: nobody else makes us ask name services.
    @Sendable private static func checkURL(_ call: Call) async throws {
        try call.caller.require(.webhooksEdit)
        if let url = call.body.text("url") { try await call.context.http.check(url) }
    }
}

extension WebhookEndpointChange {
    init(_ fields: Fields) {
        self.init()
        url = fields.text("url")
        description = fields.text("description")
        events = fields.texts("events")
        form = fields.choice("signatureForm")
        active = fields.flag("active")
        maximumInFlight = fields.int("maxInFlight")
        if fields.has("ratePerSecond") { ratePerSecond = .some(fields.int("ratePerSecond")) }
    }
}
