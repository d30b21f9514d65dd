import Business
import Bytes
import Clocks
import Engine
import JSON
import Postgres
import TestSupport
import Testing

/// Limits while a breaker is open, and what comes back when it is over.
@Suite(.database(.millrace), .timeLimit(.minutes(2)))
struct WebhookReturnTests {
    private static func desk() async throws -> WebhookDesk {
        try await WebhookDesk.open {
            $0.breaker.failuresToOpen = 1
            $0.breaker.firstPause = .seconds(3600)
            $0.breaker.longestPause = .seconds(3600)
        }
    }

    @Test func `what waits for an open endpoint is parked but for one a second; the ramp and the owner's wish follow`() async throws {
        let desk = try await Self.desk()
        defer { desk.close() }
        let (north, caller) = (desk.shop.north, desk.shop.reseller(desk.shop.north))
        let id = try await desk.endpoint(of: north).id
        for _ in 0..<20 { try await desk.emit(of: north) }
        let deliveries = try await desk.deliveries(id, of: north)
        try await desk.record(deliveries[0], status: 500)
        #expect(try await desk.limit(id) == "2 at a time, 1 in 1000000")
        var change = WebhookEndpointChange()
        (change.maximumInFlight, change.ratePerSecond) = (5, 50)
        _ = try await desk.act { [change] in try $1.update(id, change, by: caller, on: $0) }
        #expect(try await desk.limit(id) == "2 at a time, 1 in 1000000")
        try await desk.endPause()
        try await desk.record(deliveries[1], status: 204)
        #expect(try await desk.limit(id) == "2 at a time, 50 in 1000000")
        for delivery in deliveries[2..<4] { try await desk.record(delivery, status: 204) }
        #expect(try await desk.limit(id) == "4 at a time, 50 in 1000000")
        try await desk.record(deliveries[4], status: 500)
        #expect(try await desk.limit(id) == "2 at a time, 1 in 1000000")
        try await desk.endPause()
        for delivery in deliveries[5..<12] { try await desk.record(delivery, status: 204) }
        #expect(try await desk.read(id, by: north).phase == .closed)
        #expect(try await desk.limit(id) == "5 at a time, 50 in 1000000")
    }

    @Test(arguments: [true, false])
    func `an endpoint that is disabled while it is open gets its own limits back, so that what waits ends soon`(byOwner: Bool) async throws {
        let desk = try await Self.desk()
        defer { desk.close() }
        let (north, caller) = (desk.shop.north, desk.shop.reseller(desk.shop.north))
        let id = try await desk.endpoint(of: north).id
        for _ in 0..<2 { try await desk.emit(of: north) }
        let deliveries = try await desk.deliveries(id, of: north)
        try await desk.record(deliveries[0], status: 500)
        #expect(try await desk.limit(id) != nil)
        if byOwner {
            _ = try await desk.act { try $1.update(id, WebhookDesk.change(active: false), by: caller, on: $0) }
        } else {
            try await desk.endPause()
            try await desk.record(deliveries[1], status: 410, final: true)
        }
        #expect(try await desk.read(id, by: north).active == false)
        #expect(try await desk.limit(id) == nil)
    }

    @Test func `a ramp brings back as many as it takes, unsent ones first, the close brings back all, an open breaker none`() async throws {
        let desk = try await Self.desk()
        defer { desk.close() }
        let north = desk.shop.north
        let id = try await desk.endpoint(of: north).id
        // Others wait for their own reasons.
        _ = try await desk.endpoint(of: north, events: ["plan.purchased"])
        _ = try await desk.endpoint(of: desk.shop.south)
        for _ in 0..<40 { try await desk.emit(of: north) }
        try await desk.emit(of: desk.shop.south)
        let deliveries = try await desk.deliveries(id, of: north)
        try await desk.snoozeAll()
        // The three oldest have failed before.
        try await desk.setAttempts(1, of: deliveries[0..<3])
        try await desk.record(deliveries[0], status: 500)
        #expect(try await desk.bringBack(id) == [0])
        #expect(try await desk.due() == [:])
        try await desk.endPause()
        try await desk.record(deliveries[39], status: 204)
        #expect(try await desk.bringBack(id) == [32])
        let due = try await desk.due()
        #expect(due == [id: 32])
        let isBack = try await desk.isDue(deliveries[0..<3])
        #expect(isBack == [false, false, false])
        // A second job, or a second run of the first, goes on where the ramp stands.
        #expect(try await desk.bringBack(id) == [8])
        try await desk.snoozeAll()
        for delivery in deliveries[10..<24] { try await desk.record(delivery, status: 204) }
        #expect(try await desk.read(id, by: north).phase == .closed)
        #expect(try await desk.bringBack(id) == [40])
        #expect(try await desk.due() == [id: 40])
    }

    @Test func `what the receiver wants later, and what has spent half of its attempts, keeps its time`() async throws {
        let desk = try await Self.desk()
        defer { desk.close() }
        let north = desk.shop.north
        let id = try await desk.endpoint(of: north).id
        for _ in 0..<6 { try await desk.emit(of: north) }
        let deliveries = try await desk.deliveries(id, of: north)
        var messages: [WebhookMessage] = []
        for delivery in deliveries { messages.append(try #require(try await desk.message(delivery))) }
        try await desk.record(messages[0], status: 503, throttled: .seconds(7200))
        try await desk.record(messages[1], status: 429, throttled: .zero)
        try await desk.record(messages[2], status: 500)
        try await desk.snoozeAll()
        try await desk.setAttempts(5, of: deliveries[3..<4])
        try await desk.setAttempts(6, of: deliveries[4..<5])
        try await desk.act { connection, _ in try connection.script("delete from webhook_endpoint_health") }
        #expect(try await desk.bringBack(id) == [4])
        #expect(try await desk.isDue(deliveries[...]) == [false, true, true, true, false, true])
    }

    @Test func `many are brought back in bounded batches; what is due, parked or has a place in the line is left alone`() async throws {
        let desk = try await Self.desk()
        defer { desk.close() }
        let north = desk.shop.north
        let id = try await desk.endpoint(of: north).id
        try await desk.act { connection, webhooks in
            for _ in 0..<1203 { try webhooks.emit(.planPurchased, account: north, data: [:], on: connection) }
        }
        try await desk.snoozeAll()
        try await desk.act { connection, _ in
            try connection.script(
                """
                with one as (select job_id from outbox order by job_id limit 1) update outbox set gated = true from one where outbox.job_id = one.job_id;
                with one as (select job_id from outbox where not gated order by job_id limit 1)
                    update outbox set state = 'parked', gated = true from one where outbox.job_id = one.job_id;
                with one as (select job_id from outbox where not gated order by job_id limit 1)
                    update outbox set state = 'ready', sent_at = now(), run_at = now() from one where outbox.job_id = one.job_id
                """)
        }
        #expect(try await desk.bringBack(id) == [500, 500, 200])
        #expect(try await desk.rows("select 1 from outbox where state = 'ready' and run_at <= now() and sent_at is null") == 1200)
        #expect(try await desk.rows("select 1 from outbox where state = 'scheduled' and gated and run_at > now()") == 1)
        #expect(try await desk.rows("select 1 from outbox where state = 'parked' or sent_at is not null") == 2)
        let shown = try await desk.deliveries(id, of: north)[100]
        let next = try #require(shown.nextAttemptAt)
        #expect(next <= .now + .seconds(60), "its log says so too")
    }

    @Test func `the return is asked for with each step that allows it, and when the owner begins anew`() async throws {
        let desk = try await Self.desk()
        defer { desk.close() }
        let (north, caller) = (desk.shop.north, desk.shop.reseller(desk.shop.north))
        let id = try await desk.endpoint(of: north).id
        for _ in 0..<20 { try await desk.emit(of: north) }
        let deliveries = try await desk.deliveries(id, of: north)
        let asked = "select 1 from jobs where kind = 'webhook.resume' and payload ->> 'endpointId' = '\(id.text("we"))'"
        try await desk.record(deliveries[0], status: 500)
        #expect(try await desk.rows(asked) == 0)
        try await desk.endPause()
        try await desk.record(deliveries[1], status: 204)
        #expect(try await desk.rows(asked) == 1)
        for delivery in deliveries[2..<16] { try await desk.record(delivery, status: 204) }
        #expect(try await desk.read(id, by: north).phase == .closed)
        #expect(try await desk.rows(asked) == 2)
        try await desk.record(deliveries[16], status: 500)
        _ = try await desk.act { try $1.update(id, WebhookDesk.change("https://other.example/hooks"), by: caller, on: $0) }
        #expect(try await desk.rows(asked) == 3)
    }
}

extension WebhookDesk {
    /// An endpoint's own limit as claims heed it; nil: the kind's.
    func limit(_ endpoint: Identifier) async throws -> String? {
        let sql = """
            select concurrency || ' at a time, ' || coalesce(rate_count || ' in ' || rate_per, 'any rate') as text
            from limit_overrides where key like '%\(endpoint.text("we"))%'
            """
        return try await act { connection, _ in try connection.run(.once(sql)).first?("text") }
    }

    /// Brings back all that is to come back; returns the numbers of the batches.
    func bringBack(_ endpoint: Identifier) async throws -> [Int] {
        var counts: [Int] = []
        var last: Identifier?
        repeat {
            let batch = try await act { [last] in try $1.bringBack(endpoint, after: last, on: $0) }
            counts.append(batch.count)
            last = batch.last
        } while last != nil
        return counts
    }

    /// Lets all deliveries wait for an hour, as a breaker does.
    func snoozeAll() async throws {
        try await act { connection, _ in
            try connection.script(
                """
                update outbox set state = 'scheduled', run_at = now() + interval '1 hour' where kind = 'webhook.deliver';
                update jobs set run_at = now() + interval '1 hour' where kind = 'webhook.deliver'
                """)
        }
    }

    func setAttempts(_ count: Int, of deliveries: ArraySlice<WebhookDelivery>) async throws {
        let jobs = deliveries.map(\.jobID)
        try await act { connection, _ in
            _ = try connection.run(.once("update jobs set attempt = $2 where id = any($1::uuid[])"), jobs, Int16(count))
        }
    }

    /// How many deliveries of each endpoint are due.
    func due() async throws -> [Identifier: Int] {
        let sql = """
            select d.endpoint_id, count(*) as count from webhook_deliveries d join outbox o on o.job_id = d.job_id join jobs j on j.id = d.job_id
            where o.state = 'ready' and o.run_at <= now() and j.run_at <= now() group by d.endpoint_id
            """
        return try await act { connection, _ in
            var counts: [Identifier: Int] = [:]
            for row in try connection.run(.once(sql)) { counts[try row("endpoint_id")] = try row("count") }
            return counts
        }
    }

    /// Whether each of these deliveries is due.
    func isDue(_ deliveries: ArraySlice<WebhookDelivery>) async throws -> [Bool] {
        let jobs = deliveries.map(\.jobID)
        return try await act { connection, _ in
            let due: Set<Identifier> = try Set(
                connection.run(.once("select job_id from outbox where job_id = any($1::uuid[]) and state = 'ready'"), jobs).map { try $0("job_id") })
            return jobs.map { due.contains($0) }
        }
    }
}
