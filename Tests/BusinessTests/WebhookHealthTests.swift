import Business
import Bytes
import Clocks
import JSON
import Postgres
import TestSupport
import Testing

@Suite(.database(.millrace), .timeLimit(.minutes(2)))
struct WebhookHealthTests {
    @Test func `an endpoint's numbers follow its attempts`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let north = desk.shop.north
        let (id, _) = try await desk.endpoint(of: north)
        let fresh = try await desk.read(id, by: north)
        #expect(fresh.lastTriggeredAt == nil && fresh.lastSuccessAt == nil && fresh.lastFailureAt == nil)
        for _ in 0..<3 { try await desk.emit(of: north) }
        let deliveries = try await desk.deliveries(id, of: north)
        let start = Instant.now
        try await desk.record(deliveries[0], status: 200, at: start)
        try await desk.record(deliveries[1], status: 500, at: start + .seconds(1))
        try await desk.record(deliveries[1], status: nil, at: start + .seconds(2))
        let failing = try await desk.read(id, by: north)
        #expect(failing.failures == 2 && failing.failingSince == start + .seconds(1) && failing.lastFailureAt == start + .seconds(2))
        #expect(failing.lastSuccessAt == start && failing.lastTriggeredAt == deliveries[2].createdAt)
        try await desk.record(deliveries[2], status: 204, at: start + .seconds(3))
        let healthy = try await desk.read(id, by: north)
        #expect(healthy.failures == 0 && healthy.failingSince == nil && healthy.lastFailureAt == start + .seconds(2))
        #expect(healthy.lastSuccessAt == start + .seconds(3))
    }

    @Test func `each attempt is one line of the delivery's log, and the delivery shows the last`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let (north, caller) = (desk.shop.north, desk.shop.reseller(desk.shop.north))
        let (id, _) = try await desk.endpoint(of: north)
        try await desk.emit(of: north)
        let delivery = try await desk.deliveries(id, of: north)[0]
        try await desk.record(delivery, status: 503)
        let waiting = try await desk.act { try $1.delivery(delivery.id, by: caller, on: $0) }
        #expect(waiting.delivery.state == .pending && waiting.delivery.status == 503 && waiting.delivery.endedAt == nil)
        #expect(waiting.delivery.nextAttemptAt != nil)
        try await desk.record(delivery, status: 200)
        let done = try await desk.act { try $1.delivery(delivery.id, by: caller, on: $0) }
        #expect(done.delivery.state == .delivered && done.delivery.attempts == 2 && done.delivery.status == 200 && done.delivery.endedAt != nil)
        #expect(done.attempts.map(\.attempt) == [1, 2] && done.attempts.map(\.status) == [503, 200])
        #expect(done.attempts.map(\.errorCode) == ["http_503", nil])
    }

    @Test func `an endpoint is disabled after failing often and for long, not after one of the two`() async throws {
        let desk = try await WebhookDesk.open {
            $0.webhookDisableAfterFailures = 3
            $0.webhookDisableAfter = .seconds(3600)
        }
        defer { desk.close() }
        let north = desk.shop.north
        let wanted = ["plan.purchased", "webhook.endpoint_disabled"]
        // Often, but only since a moment ago.
        let busy = try await desk.endpoint(of: north, events: wanted).id
        // For long, but only twice.
        let quiet = try await desk.endpoint(of: north, events: wanted).id
        // Asks for nothing but the notice.
        let notified = try await desk.endpoint(of: north, events: ["webhook.endpoint_disabled"]).id
        try await desk.act { connection, _ in try connection.script("update webhook_endpoints set activated_at = now() - interval '1 day'") }
        try await desk.emit(of: north)
        let long = Instant.now - .seconds(7200)
        let often = try await desk.deliveries(busy, of: north)[0]
        let seldom = try await desk.deliveries(quiet, of: north)[0]
        for _ in 0..<5 { try await desk.record(often, status: 500) }
        for _ in 0..<2 { try await desk.record(seldom, status: 500, at: long) }
        #expect(try await desk.read(busy, by: north).active)
        #expect(try await desk.read(quiet, by: north).active)
        #expect(try await desk.deliveries(notified, of: north).isEmpty)

        try await desk.record(seldom, status: nil)
        let disabled = try await desk.read(quiet, by: north)
        #expect(!disabled.active && disabled.disabledReason?.contains("3 at least") == true)
        #expect(try await desk.read(busy, by: north).active)
        let notices = try await desk.deliveries(notified, of: north)
        #expect(notices.map(\.type) == ["webhook.endpoint_disabled"])
        #expect(try await desk.deliveries(quiet, of: north).map(\.type) == ["plan.purchased"])
        #expect(
            try await desk.shop.count("select count(*) from audit_log where action = 'webhook_endpoint.disable' and resource_id = '\(quiet)'") == 1)
        let caller = desk.shop.reseller(north)
        let body = try await desk.act { try $1.delivery(notices[0].id, by: caller, on: $0).body }
        let notice = try JSONValue(parsing: Array(body.utf8))
        #expect(notice["data"]?["endpointId"]?.string == quiet.text("we"))
    }

    @Test func `a success between two failures begins the count anew`() async throws {
        let desk = try await WebhookDesk.open {
            $0.webhookDisableAfterFailures = 2
            $0.webhookDisableAfter = .seconds(3600)
        }
        defer { desk.close() }
        let north = desk.shop.north
        let (id, _) = try await desk.endpoint(of: north)
        try await desk.act { connection, _ in try connection.script("update webhook_endpoints set activated_at = now() - interval '1 day'") }
        for _ in 0..<2 { try await desk.emit(of: north) }
        let deliveries = try await desk.deliveries(id, of: north)
        try await desk.record(deliveries[0], status: 500, at: .now - .seconds(7200))
        try await desk.record(deliveries[1], status: 200, at: .now - .seconds(3000))
        try await desk.record(deliveries[0], status: 500)
        #expect(try await desk.read(id, by: north).active)
    }

    @Test func `410 disables at once and ends the delivery`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let north = desk.shop.north
        let (id, _) = try await desk.endpoint(of: north)
        try await desk.emit(of: north)
        let delivery = try await desk.deliveries(id, of: north)[0]
        try await desk.record(delivery, status: 410, final: true)
        #expect(try await desk.read(id, by: north).active == false)
        #expect(try await desk.deliveries(id, of: north)[0].state == .failed)
    }

    @Test func `what waits for an endpoint that is gone or inactive is cancelled, never sent`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let (north, caller) = (desk.shop.north, desk.shop.reseller(desk.shop.north))
        let inactive = try await desk.endpoint(of: north).id
        let gone = try await desk.endpoint(of: north).id
        try await desk.emit(of: north)
        let waiting = [try await desk.deliveries(inactive, of: north)[0], try await desk.deliveries(gone, of: north)[0]]
        _ = try await desk.act { try $1.update(inactive, WebhookDesk.change(active: false), by: caller, on: $0) }
        try await desk.act { try $1.delete(gone, by: caller, on: $0) }
        for delivery in waiting {
            #expect(try await desk.message(delivery) == nil)
            try await desk.act { try $1.abandon(delivery.id, on: $0) }
            #expect(try await desk.act { try $1.delivery(delivery.id, by: caller, on: $0).delivery.state } == .cancelled)
        }
    }

    @Test func `a delivery that has ended is neither sent nor cancelled by a late job`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let north = desk.shop.north
        let (id, _) = try await desk.endpoint(of: north)
        try await desk.emit(of: north)
        let delivery = try await desk.deliveries(id, of: north)[0]
        try await desk.record(delivery, status: 200)
        #expect(try await desk.message(delivery) == nil)
        try await desk.act { try $1.abandon(delivery.id, on: $0) }
        #expect(try await desk.deliveries(id, of: north)[0].state == .delivered)
    }
}
