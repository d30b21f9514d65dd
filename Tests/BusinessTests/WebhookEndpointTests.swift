import Business
import Bytes
import Clocks
import Crypto
import JSON
import Postgres
import TestSupport
import Testing

@Suite(.database(.millrace), .timeLimit(.minutes(2)))
struct WebhookEndpointTests {
    @Test func `an endpoint's secret is shown once, stored sealed and kept out of the audit log`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let caller = desk.shop.reseller(desk.shop.north)
        let (endpoint, secret) = try await desk.act { try $1.create(WebhookDesk.change(), by: caller, on: $0) }
        #expect(secret.reveal.hasPrefix("whsec_"))
        #expect(endpoint.active && endpoint.form == .standard && endpoint.failures == 0)
        #expect(!endpoint.json.text.contains(secret.reveal))
        let key = String(secret.reveal.dropFirst(6))
        let (sealed, audit): ([UInt8], String) = try await desk.act { connection, _ in
            (
                try connection.run(.once("select secret from webhook_endpoints")).only()(0),
                try connection.run(.once("select string_agg(a::text, ' ') from audit_log a where resource_type = 'webhook_endpoint'")).only()(0)
            )
        }
        #expect(sealed.firstRange(of: Array(key.utf8)) == nil)
        #expect(audit.contains("webhook_endpoint.create") && !audit.contains(key))
    }

    @Test func `what an endpoint cannot be is refused with the field at fault`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let caller = desk.shop.reseller(desk.shop.north)
        func refusal(_ code: String, _ field: String, _ edit: (inout WebhookEndpointChange) -> Void) async {
            var change = WebhookDesk.change()
            edit(&change)
            let broken = change
            let error = await refused(.invalid, code) { _ = try await desk.act { try $1.create(broken, by: caller, on: $0) } }
            #expect(error?.field == field)
        }
        await refusal("missing_url", "/url") { $0.url = nil }
        await refusal("url_too_long", "/url") { $0.url = "https://example.com/" + String(repeating: "a", count: 2048) }
        await refusal("description_too_long", "/description") { $0.description = String(repeating: "a", count: 501) }
        await refusal("no_events", "/events") { $0.events = nil }
        await refusal("no_events", "/events") { $0.events = [] }
        await refusal("unknown_event", "/events/1") { $0.events = ["plan.purchased", "plan.bought"] }
        #expect(try await desk.shop.count("select count(*) from webhook_endpoints") == 0)
    }

    @Test func `an account has no more endpoints than the rules allow, also when they are made at once`() async throws {
        let desk = try await WebhookDesk.open { $0.webhookEndpointsPerAccount = 3 }
        defer { desk.close() }
        let caller = desk.shop.reseller(desk.shop.north)
        let made = await atOnce(8) { _ in try await desk.act { try $1.create(WebhookDesk.change(), by: caller, on: $0).endpoint.id } }
        #expect(made == 3)
        await refused(.conflict, "too_many_endpoints") { _ = try await desk.act { try $1.create(WebhookDesk.change(), by: caller, on: $0) } }
    }

    @Test func `a stranger's endpoint is not found, whatever is done with it; a parent's caller reaches it`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let (id, _) = try await desk.endpoint(of: desk.shop.northEast)
        try await desk.emit(of: desk.shop.northEast)
        let delivery = try await desk.deliveries(id, of: desk.shop.northEast)[0].id
        let stranger = desk.shop.reseller(desk.shop.south)
        let now = Instant.now
        let deeds: [@Sendable (Connection, Webhooks) throws -> Void] = [
            { _ = try $1.find(id, by: stranger, on: $0) },
            { _ = try $1.update(id, WebhookDesk.change(), by: stranger, on: $0) },
            { _ = try $1.rotateSecret(id, by: stranger, on: $0) },
            { try $1.delete(id, by: stranger, on: $0) },
            { _ = try $1.sendTest(id, by: stranger, on: $0) },
            { _ = try $1.deliveries(of: id, state: nil, type: nil, after: nil, limit: 10, by: stranger, on: $0) },
            { _ = try $1.delivery(delivery, by: stranger, on: $0) },
            { _ = try $1.replay(delivery, by: stranger, on: $0) },
            { _ = try $1.replay(endpoint: id, from: now, to: now + .seconds(1), onlyFailed: false, dryRun: true, by: stranger, on: $0) },
        ]
        for deed in deeds { await refused(.notFound, "not_found") { try await desk.act(deed) } }
        #expect(try await desk.act { try $1.list(account: nil, after: nil, limit: 10, by: stranger, on: $0).items.count } == 0)
        #expect(try await desk.read(id, by: desk.shop.north).id == id)
        #expect(try await desk.read(id, by: desk.shop.root).id == id)
    }

    @Test func `without the right nothing is shown and nothing changed`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let (id, _) = try await desk.endpoint(of: desk.shop.north)
        var viewer = desk.shop.reseller(desk.shop.north)
        viewer.permissions.remove(.webhooksEdit)
        let (watching, blind) = (viewer, Caller(accountID: desk.shop.north, role: .reseller, permissions: []))
        await refused(.forbidden, "permission_denied") { _ = try await desk.act { try $1.find(id, by: blind, on: $0) } }
        await refused(.forbidden, "permission_denied") { _ = try await desk.act { try $1.create(WebhookDesk.change(), by: watching, on: $0) } }
        await refused(.forbidden, "permission_denied") { _ = try await desk.act { try $1.rotateSecret(id, by: watching, on: $0) } }
        await refused(.forbidden, "permission_denied") { _ = try await desk.act { try $1.sendTest(id, by: watching, on: $0) } }
        #expect(try await desk.act { try $1.find(id, by: watching, on: $0).id } == id)
    }

    @Test func `a rotated secret signs beside the new one until the overlap ends`() async throws {
        let desk = try await WebhookDesk.open { $0.webhookSecretOverlap = .seconds(3600) }
        defer { desk.close() }
        let caller = desk.shop.reseller(desk.shop.north)
        let (id, old) = try await desk.endpoint(of: desk.shop.north)
        try await desk.emit(of: desk.shop.north)
        let delivery = try await desk.deliveries(id, of: desk.shop.north)[0]
        let new = try WebhookSecret(try await desk.act { try $1.rotateSecret(id, by: caller, on: $0).1.reveal })
        let now = Instant.now
        let during = try await desk.message(delivery)
        try await desk.act { connection, _ in
            try connection.script("update webhook_endpoints set previous_secret_until = previous_secret_until - interval '3601 seconds'")
        }
        let after = try await desk.message(delivery)
        let (both, one) = (try #require(during), try #require(after))
        #expect(both.secrets.map(\.text.reveal) == [new.text.reveal, old.text.reveal])
        #expect(one.secrets.map(\.text.reveal) == [new.text.reveal])
        func signature(_ message: WebhookMessage) -> String { message.headers(at: now).first { $0.name == "webhook-signature" }?.value ?? "" }
        for (message, secrets) in [(both, [old]), (both, [new]), (one, [new])] {
            try WebhookSignature.verify(
                signature(message), id: delivery.id.text("msg"), timestamp: String(now.seconds), body: message.body, secrets: secrets,
                now: now.seconds)
        }
        #expect(throws: CryptoError.self) {
            try WebhookSignature.verify(
                signature(one), id: delivery.id.text("msg"), timestamp: String(now.seconds), body: one.body, secrets: [old], now: now.seconds)
        }
    }

    @Test func `an endpoint that was disabled keeps the reason until it is activated, which forgets its failures`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let caller = desk.shop.reseller(desk.shop.north)
        let (id, _) = try await desk.endpoint(of: desk.shop.north)
        try await desk.emit(of: desk.shop.north)
        try await desk.record(desk.deliveries(id, of: desk.shop.north)[0], status: 410, final: true)
        var change = WebhookEndpointChange()
        change.description = "a new text"
        let described = change
        let disabled = try await desk.act { try $1.update(id, described, by: caller, on: $0) }
        #expect(!disabled.active && disabled.disabledReason == "the receiver answered 410 Gone" && disabled.failures == 1)
        change.active = true
        let activating = change
        let active = try await desk.act { try $1.update(id, activating, by: caller, on: $0) }
        #expect(active.active && active.disabledReason == nil && active.failures == 0 && active.failingSince == nil)
        #expect(active.lastFailureAt != nil)
        change.active = false
        let deactivating = change
        #expect(try await desk.act { try $1.update(id, deactivating, by: caller, on: $0).disabledReason } == "deactivated by its owner")
        await refused(.conflict, "endpoint_inactive") { _ = try await desk.act { try $1.sendTest(id, by: caller, on: $0) } }
    }
}
