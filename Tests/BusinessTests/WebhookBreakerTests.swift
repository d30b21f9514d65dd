import Business
import Bytes
import Clocks
import JSON
import Postgres
import TestSupport
import Testing

/// The breaker on a real database: who may call an endpoint, over all workers.
@Suite(.database(.millrace), .timeLimit(.minutes(2)))
struct WebhookBreakerTests {
    @Test func `deliveries to a healthy endpoint write nothing about its health`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let (id, _) = try await desk.endpoint(of: desk.shop.north)
        try await desk.emit(of: desk.shop.north)
        for delivery in try await desk.deliveries(id, of: desk.shop.north) { try await desk.record(delivery, status: 204) }
        #expect(try await desk.rows("select 1 from webhook_endpoint_health") == 0)
        #expect(try await desk.read(id, by: desk.shop.north).json["health"]?["state"] == "closed")
    }

    @Test func `an open endpoint's deliveries wait and spend nothing, and of many at once exactly one probes`() async throws {
        let desk = try await WebhookDesk.open {
            $0.breaker.failuresToOpen = 3
            $0.breaker.firstPause = .seconds(3600)
            $0.breaker.longestPause = .seconds(3600)
        }
        defer { desk.close() }
        let north = desk.shop.north
        let (id, _) = try await desk.endpoint(of: north)
        for _ in 0..<12 { try await desk.emit(of: north) }
        let deliveries = try await desk.deliveries(id, of: north)
        for delivery in deliveries.prefix(3) { try await desk.record(delivery, status: 503) }
        let open = try await desk.read(id, by: north)
        #expect(open.phase == .open && open.phaseReason == "http_503")
        #expect(open.json["health"]?["inFlightAllowed"] == 0 && open.json["health"]?["nextProbeAt"]?.string != nil)
        for delivery in deliveries {
            guard case .wait(let duration) = try await desk.dispatch(delivery) else {
                Issue.record("an open endpoint was called")
                continue
            }
            #expect(duration > .seconds(3500) && duration <= .seconds(7200))
        }
        try await desk.act { connection, _ in try connection.script("update webhook_endpoint_health set until = now()") }
        let sent = try await withThrowingTaskGroup(of: Bool.self) { group in
            for delivery in deliveries {
                group.addTask { if case .send(let message) = try await desk.dispatch(delivery) { message.isProbe } else { false } }
            }
            var count = 0
            for try await isSent in group where isSent { count += 1 }
            return count
        }
        #expect(sent == 1)
        #expect(try await desk.read(id, by: north).phase == .probing)
        #expect(try await desk.rows("select 1 from webhook_attempts") == 3)
    }

    @Test func `a probe that does not come back is followed by another; its success ramps up, and closes`() async throws {
        let desk = try await WebhookDesk.open {
            $0.breaker.failuresToOpen = 1
            $0.breaker.firstPause = .seconds(3600)
            $0.breaker.longestPause = .seconds(3600)
        }
        defer { desk.close() }
        let north = desk.shop.north
        let (id, _) = try await desk.endpoint(of: north)
        for _ in 0..<40 { try await desk.emit(of: north) }
        let deliveries = try await desk.deliveries(id, of: north)
        try await desk.record(deliveries[0], status: 500)
        try await desk.act { connection, _ in try connection.script("update webhook_endpoint_health set until = now()") }
        guard case .send(let lost) = try await desk.dispatch(deliveries[1]) else {
            Issue.record("there is a probe")
            return
        }
        let isHeld = if case .wait = try await desk.dispatch(deliveries[2]) { true } else { false }
        #expect(isHeld)
        try await desk.act { connection, _ in try connection.script("update webhook_endpoint_health set until = now()") }
        guard case .send(let probe) = try await desk.dispatch(deliveries[2]) else {
            Issue.record("there is another probe")
            return
        }
        // The lost one speaks up late; it decides nothing.
        try await desk.record(lost, status: 500)
        #expect(try await desk.read(id, by: north).phase == .probing)
        try await desk.record(probe, status: 204)
        let ramping = try await desk.read(id, by: north)
        #expect(ramping.phase == .ramping && ramping.json["health"]?["inFlightAllowed"] == 2)
        #expect(try await desk.rows("select 1 from limit_overrides where concurrency = 2") == 1)
        for delivery in deliveries[3..<17] { try await desk.record(delivery, status: 204) }
        #expect(try await desk.read(id, by: north).phase == .closed)
        #expect(try await desk.rows("select 1 from limit_overrides") == 0)
    }

    @Test func `a slow endpoint's new deliveries go in the slow lane, those in the quick lane are moved`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let north = desk.shop.north
        let (id, _) = try await desk.endpoint(of: north)
        try await desk.emit(of: north)
        try await desk.act { try $1.markSlow(id, on: $0) }
        try await desk.emit(of: north)
        #expect(try await desk.rows("select 1 from outbox where queue = 'webhook-slow'") == 1)
        #expect(try await desk.rows("select 1 from jobs where queue = 'webhook'") == 1)
        let first = try await desk.deliveries(id, of: north)[0]
        let isMoved = if case .move = try await desk.dispatch(first) { true } else { false }
        let isSent = if case .send = try await desk.dispatch(first, queue: "webhook-slow") { true } else { false }
        #expect(isMoved && isSent)
        #expect(try await desk.read(id, by: north).json["health"]?["slow"] == true)
    }

    @Test func `who emits an event never waits for a breaker's row`() async throws {
        let desk = try await WebhookDesk.open { $0.breaker.failuresToOpen = 1 }
        defer { desk.close() }
        let north = desk.shop.north
        let (id, _) = try await desk.endpoint(of: north)
        try await desk.emit(of: north)
        try await desk.record(desk.deliveries(id, of: north)[0], status: 500)
        let other = try Connection(desk.shop.database.settings)
        try other.script("begin; select * from webhook_endpoint_health for update")
        try await desk.act { connection, webhooks in
            try connection.script("set local lock_timeout = '500ms'")
            try webhooks.emit(.planPurchased, account: north, data: [:], on: connection)
        }
        try other.script("rollback")
        #expect(try await desk.deliveries(id, of: north).count == 2)
    }

    @Test func `another address or activation begins with a closed breaker; limits are kept and checked`() async throws {
        let desk = try await WebhookDesk.open { $0.breaker.failuresToOpen = 1 }
        defer { desk.close() }
        let north = desk.shop.north
        let caller = desk.shop.reseller(north)
        let (id, _) = try await desk.endpoint(of: north)
        try await desk.emit(of: north)
        try await desk.record(desk.deliveries(id, of: north)[0], status: 500)
        var change = WebhookEndpointChange()
        (change.maximumInFlight, change.ratePerSecond) = (4, 20)
        let limited = try await desk.act { [change] in try $1.update(id, change, by: caller, on: $0) }
        #expect(limited.maximumInFlight == 4 && limited.ratePerSecond == 20 && limited.phase == .open)
        var moved = WebhookEndpointChange()
        moved.url = "https://other.example/hooks"
        let after = try await desk.act { [moved] in try $1.update(id, moved, by: caller, on: $0) }
        #expect(after.phase == .closed && after.maximumInFlight == 4)
        for (limit, rate, code) in [(0, 5, "in_flight_out_of_range"), (257, 5, "in_flight_out_of_range"), (5, 1001, "rate_out_of_range")] {
            var bad = WebhookEndpointChange()
            (bad.maximumInFlight, bad.ratePerSecond) = (limit, rate)
            await refused(.invalid, code) { [bad] in try await desk.act { try $1.update(id, bad, by: caller, on: $0) } }
        }
    }
}

extension WebhookDesk {
    func rows(_ sql: String) async throws -> Int {
        try await act { connection, _ in try connection.run(.once("select count(*) as count from (\(sql)) found")).only()("count") }
    }
}
