import Business
import Bytes
import Clocks
import Engine
import JSON
import Postgres
import TestSupport
import Testing

/// What owners hear of their endpoints' breakers, and how many are counted.
@Suite(.database(.millrace), .timeLimit(.minutes(2)))
struct WebhookNoticeTests {
    private static let notices = ["webhook.breaker_opened", "webhook.breaker_closed"]

    @Test func `an outage is told once when it begins and once when it is over, to the owner's other endpoints and those above`() async throws {
        let desk = try await WebhookDesk.open {
            $0.breaker.failuresToOpen = 3
            $0.breaker.firstPause = .seconds(3600)
            $0.breaker.longestPause = .seconds(3600)
        }
        defer { desk.close() }
        let (north, above) = (desk.shop.north, desk.shop.root)
        let sick = try await desk.endpoint(of: north, events: ["*"]).id
        let other = try await desk.endpoint(of: north, events: Self.notices).id
        let distant = try await desk.endpoint(of: above, events: Self.notices).id
        let stranger = try await desk.endpoint(of: desk.shop.south, events: Self.notices).id
        for _ in 0..<30 { try await desk.emit(of: north) }
        let deliveries = try await desk.deliveries(sick, of: north)
        for delivery in deliveries[0..<2] { try await desk.record(delivery, status: 503) }
        #expect(try await desk.deliveries(other, of: north).isEmpty)
        try await desk.record(deliveries[2], status: 503)
        #expect(try await desk.types(other, of: north) == ["webhook.breaker_opened"])
        // Probes that fail belong to the same outage, and so does a ramp that breaks off.
        for status in [503, 503, 204, 503] {
            if try await desk.read(sick, by: north).phase == .open { try await desk.endPause() }
            try await desk.record(deliveries[3], status: status)
        }
        #expect(try await desk.types(other, of: north) == ["webhook.breaker_opened"])
        try await desk.endPause()
        for delivery in deliveries[4..<20] { try await desk.record(delivery, status: 204) }
        #expect(try await desk.read(sick, by: north).phase == .closed)
        let heard = try await desk.deliveries(other, of: north)
        #expect(heard.map(\.type) == Self.notices)
        #expect(try await desk.types(distant, of: above) == Self.notices)
        #expect(try await desk.types(stranger, of: desk.shop.south).isEmpty)
        #expect(try await Set(desk.types(sick, of: north)) == ["plan.purchased"])
        let opened = try await desk.data(heard[0], of: north)
        #expect(opened["endpointId"]?.string == sick.text("we") && opened["reason"]?.string == "http_503" && opened["nextProbeAt"]?.string != nil)
        let closed = try await desk.data(heard[1], of: north)
        #expect(closed["endpointId"]?.string == sick.text("we") && closed["url"]?.string == "https://receiver.example/hooks")
        for action in ["breaker_open", "breaker_close"] {
            let sql = "select 1 from audit_log where action = 'webhook_endpoint.\(action)' and resource_id = '\(sick)' and actor_id is null"
            #expect(try await desk.rows(sql) == 1)
        }
        // An endpoint that wants everything and does not hear of itself is no breach.
        try await desk.act { connection, _ in try connection.script("update webhook_endpoints set updated_at = now() - interval '1 hour'") }
        let invariant = try #require(BusinessInvariants.all.first { $0.name == "webhooks.all" })
        let finding = try await desk.act { connection, _ in try invariant.look(on: connection) }
        #expect(finding == .none)
    }

    @Test func `workers that see an endpoint fail at the same moment tell of it once, and once of its recovery`() async throws {
        let desk = try await WebhookDesk.open {
            $0.breaker.failuresToOpen = 4
            $0.breaker.firstPause = .seconds(3600)
            $0.breaker.longestPause = .seconds(3600)
        }
        defer { desk.close() }
        let north = desk.shop.north
        let sick = try await desk.endpoint(of: north, events: ["plan.purchased"]).id
        let other = try await desk.endpoint(of: north, events: Self.notices).id
        for _ in 0..<60 { try await desk.emit(of: north) }
        let deliveries = try await desk.deliveries(sick, of: north)
        var messages: [WebhookMessage] = []
        for delivery in deliveries { messages.append(try #require(try await desk.message(delivery))) }
        let failing = messages.prefix(20)
        let failed = await atOnce(20) { try await desk.record(failing[$0], status: 500) }
        #expect(failed == 20)
        #expect(try await desk.types(other, of: north) == ["webhook.breaker_opened"])
        try await desk.endPause()
        let probe = try #require(try await desk.message(deliveries[20]))
        try await desk.record(probe, status: 204)
        var ramping: [WebhookMessage] = []
        for delivery in deliveries[21..<60] { ramping.append(try #require(try await desk.message(delivery))) }
        let taken = await atOnce(39) { [ramping] in try await desk.record(ramping[$0], status: 204) }
        #expect(taken == 39)
        #expect(try await desk.read(sick, by: north).phase == .closed)
        #expect(try await desk.types(other, of: north) == Self.notices)
    }

    @Test func `a pause that a receiver asks for is no news`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let north = desk.shop.north
        let busy = try await desk.endpoint(of: north, events: ["plan.purchased"]).id
        let other = try await desk.endpoint(of: north, events: Self.notices).id
        for _ in 0..<20 { try await desk.emit(of: north) }
        let deliveries = try await desk.deliveries(busy, of: north)
        try await desk.record(try #require(try await desk.message(deliveries[0])), status: 429, throttled: .seconds(60))
        #expect(try await desk.read(busy, by: north).phase == .open)
        try await desk.endPause()
        for delivery in deliveries[1..<18] { try await desk.record(delivery, status: 204) }
        #expect(try await desk.read(busy, by: north).phase == .closed)
        #expect(try await desk.types(other, of: north).isEmpty)
    }

    @Test func `an owner who gives an endpoint another address ends its outage, and that is told too`() async throws {
        let desk = try await WebhookDesk.open { $0.breaker.failuresToOpen = 1 }
        defer { desk.close() }
        let (north, caller) = (desk.shop.north, desk.shop.reseller(desk.shop.north))
        let sick = try await desk.endpoint(of: north, events: ["plan.purchased"]).id
        let other = try await desk.endpoint(of: north, events: Self.notices).id
        try await desk.emit(of: north)
        try await desk.record(desk.deliveries(sick, of: north)[0], status: 500)
        for url in ["https://other.example/hooks", "https://third.example/hooks"] {
            var change = WebhookEndpointChange()
            change.url = url
            _ = try await desk.act { [change] in try $1.update(sick, change, by: caller, on: $0) }
        }
        let heard = try await desk.deliveries(other, of: north)
        #expect(heard.map(\.type) == Self.notices)
        #expect(try await desk.data(heard[1], of: north)["url"]?.string == "https://other.example/hooks")
    }

    @Test func `breakers are counted by phase, those of endpoints that are not called are not`() async throws {
        let desk = try await WebhookDesk.open {
            $0.breaker.failuresToOpen = 1
            $0.breaker.firstPause = .seconds(3600)
            $0.breaker.longestPause = .seconds(3600)
        }
        defer { desk.close() }
        let (north, caller) = (desk.shop.north, desk.shop.reseller(desk.shop.north))
        let endpoints = try await [desk.endpoint(of: north), desk.endpoint(of: north), desk.endpoint(of: north), desk.endpoint(of: north)].map(\.id)
        for _ in 0..<2 { try await desk.emit(of: north) }
        for endpoint in endpoints.prefix(3) { try await desk.record(desk.deliveries(endpoint, of: north)[0], status: 500) }
        #expect(try await desk.census() == [.open: 3])
        try await desk.endPause()
        try await desk.record(desk.deliveries(endpoints[0], of: north)[1], status: 204)
        _ = try await desk.message(desk.deliveries(endpoints[1], of: north)[1])
        #expect(try await desk.census() == [.open: 1, .ramping: 1, .probing: 1])
        _ = try await desk.act { try $1.update(endpoints[2], WebhookDesk.change(active: false), by: caller, on: $0) }
        try await desk.act { try $1.delete(endpoints[1], by: caller, on: $0) }
        #expect(try await desk.census() == [.ramping: 1])
    }
}

extension WebhookDesk {
    /// The types of an endpoint's deliveries, oldest first.
    func types(_ endpoint: Identifier, of account: Identifier) async throws -> [String] {
        let caller = account == shop.root ? shop.staff : shop.reseller(account)
        return try await act {
            try $1.deliveries(of: endpoint, state: nil, type: nil, after: nil, limit: 200, by: caller, on: $0).items.reversed().map(\.type)
        }
    }

    /// What a delivery's body says of its event.
    func data(_ delivery: WebhookDelivery, of account: Identifier) async throws -> JSONValue {
        let caller = shop.reseller(account)
        let body = try await act { try $1.delivery(delivery.id, by: caller, on: $0).body }
        return try JSONValue(parsing: Array(body.utf8))["data"] ?? .null
    }

    /// Lets the pause of every open breaker be over.
    func endPause() async throws {
        try await act { connection, _ in try connection.script("update webhook_endpoint_health set until = now() where phase = 'open'") }
    }

    func census() async throws -> [EndpointHealth.Phase: Int] {
        try await act { connection, _ in try EndpointHealth.census(on: connection) }
    }
}
