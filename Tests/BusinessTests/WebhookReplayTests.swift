import Business
import Bytes
import Clocks
import Engine
import JSON
import Postgres
import TestSupport
import Testing

@Suite(.database(.millrace), .timeLimit(.minutes(2)))
struct WebhookReplayTests {
    @Test func `a delivery on its way is not replayed`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let (north, caller) = (desk.shop.north, desk.shop.reseller(desk.shop.north))
        let (id, _) = try await desk.endpoint(of: north)
        try await desk.emit(of: north)
        let delivery = try await desk.deliveries(id, of: north)[0]
        await refused(.conflict, "delivery_pending") { _ = try await desk.act { try $1.replay(delivery.id, by: caller, on: $0) } }
        #expect(try await desk.shop.count("select count(*) from jobs") == 1)
    }

    @Test func `a replay sends the same bytes under the same id in a new job, and its attempts count on`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let (north, caller) = (desk.shop.north, desk.shop.reseller(desk.shop.north))
        let (id, _) = try await desk.endpoint(of: north)
        try await desk.emit(of: north)
        let delivery = try await desk.deliveries(id, of: north)[0]
        let first = try #require(try await desk.message(delivery))
        try await desk.record(delivery, status: 500, final: true)
        try await desk.endJobs()
        let sending = try await desk.act { try $1.replay(delivery.id, by: caller, on: $0) }
        #expect(sending.deliveryID == delivery.id && sending.jobID != delivery.jobID)
        let again = try await desk.deliveries(id, of: north)[0]
        #expect(again.state == .pending && again.jobID == sending.jobID && again.endedAt == nil && again.attempts == 1)
        let second = try #require(try await desk.message(again))
        #expect(second.body == first.body)
        #expect(second.headers(at: .now)[0] == first.headers(at: .now)[0])
        try await desk.record(again, status: 200)
        let log = try await desk.act { try $1.delivery(delivery.id, by: caller, on: $0) }
        #expect(log.delivery.state == .delivered && log.attempts.map(\.attempt) == [1, 2])
        #expect(try await desk.shop.count("select count(*) from audit_log where action = 'webhook_delivery.replay'") == 1)
    }

    @Test func `two replays of one delivery at once send it once`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let (north, caller) = (desk.shop.north, desk.shop.reseller(desk.shop.north))
        let (id, _) = try await desk.endpoint(of: north)
        try await desk.emit(of: north)
        let delivery = try await desk.deliveries(id, of: north)[0]
        try await desk.record(delivery, status: 200)
        try await desk.endJobs()
        let replayed = await atOnce(4) { _ in try await desk.act { try $1.replay(delivery.id, by: caller, on: $0).jobID } }
        #expect(replayed == 1)
        #expect(try await desk.shop.count("select count(*) from jobs where kind = 'webhook.deliver'") == 1)
    }

    @Test func `a range is counted by a dry run and sent by the real one, without what is on its way`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let (north, caller) = (desk.shop.north, desk.shop.reseller(desk.shop.north))
        let (id, _) = try await desk.endpoint(of: north)
        let from = Instant(seconds: 1_760_000_000)
        for hour in 0..<6 {
            try await desk.act {
                try $1.emit(.planPurchased, account: north, data: ["hour": .int(Int64(hour))], on: $0, now: from + .seconds(3600 * hour))
            }
        }
        let deliveries = try await desk.deliveries(id, of: north)
        // Hours 0–1 delivered, 2–3 failed, 4 on its way, 5 out of the range.
        for (delivery, status) in zip(deliveries, [200, 200, 500, 500]) { try await desk.record(delivery, status: status, final: true) }
        try await desk.record(deliveries[5], status: 500, final: true)
        try await desk.endJobs()
        let jobs = try await desk.shop.count("select count(*) from jobs")
        func replay(onlyFailed: Bool, dryRun: Bool) async throws -> Int {
            let to = from + .seconds(5 * 3600)
            return try await desk.act {
                try $1.replay(endpoint: id, from: from, to: to, onlyFailed: onlyFailed, dryRun: dryRun, by: caller, on: $0).count
            }
        }
        #expect(try await replay(onlyFailed: false, dryRun: true) == 4)
        #expect(try await replay(onlyFailed: true, dryRun: true) == 2)
        #expect(try await desk.shop.count("select count(*) from jobs") == jobs)
        #expect(try await replay(onlyFailed: true, dryRun: false) == 2)
        #expect(try await desk.deliveries(id, of: north).map(\.state) == [.delivered, .delivered, .pending, .pending, .pending, .failed])
        #expect(try await replay(onlyFailed: false, dryRun: false) == 2)
        #expect(try await replay(onlyFailed: false, dryRun: false) == 0)
        #expect(
            try await desk.shop.count("select count(*) from webhook_deliveries d join jobs j on j.id = d.job_id where d.state = 'pending'") == 5)
        #expect(try await desk.shop.count("select count(*) from audit_log where action = 'webhook_endpoint.replay'") == 2)
    }

    @Test func `a replay of an empty range or to an inactive endpoint is refused`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let (north, caller) = (desk.shop.north, desk.shop.reseller(desk.shop.north))
        let (id, _) = try await desk.endpoint(of: north)
        try await desk.emit(of: north)
        let delivery = try await desk.deliveries(id, of: north)[0]
        try await desk.record(delivery, status: 200)
        let now = Instant.now
        let error = await refused(.invalid, "empty_range") {
            _ = try await desk.act { try $1.replay(endpoint: id, from: now, to: now, onlyFailed: false, dryRun: true, by: caller, on: $0) }
        }
        #expect(error?.field == "/to")
        _ = try await desk.act { try $1.update(id, WebhookDesk.change(active: false), by: caller, on: $0) }
        await refused(.conflict, "endpoint_inactive") { _ = try await desk.act { try $1.replay(delivery.id, by: caller, on: $0) } }
        await refused(.conflict, "endpoint_inactive") {
            _ = try await desk.act {
                try $1.replay(endpoint: id, from: now, to: now + .seconds(1), onlyFailed: false, dryRun: false, by: caller, on: $0)
            }
        }
    }

    @Test func `a delivery whose job was cancelled is shown as cancelled and can be replayed`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let (north, caller, ledger) = (desk.shop.north, desk.shop.reseller(desk.shop.north), desk.business.ledger)
        let (id, _) = try await desk.endpoint(of: north)
        try await desk.emit(of: north)
        let delivery = try await desk.deliveries(id, of: north)[0]
        try await desk.act { connection, _ in _ = try ledger.cancel(delivery.jobID, actor: nil, on: connection) }
        let cancelled = try await desk.act {
            try $1.deliveries(of: id, state: .cancelled, type: nil, after: nil, limit: 10, by: caller, on: $0).items
        }
        #expect(cancelled.map(\.id) == [delivery.id])
        let sending = try await desk.act { try $1.replay(delivery.id, by: caller, on: $0) }
        #expect(try await desk.deliveries(id, of: north)[0].state == .pending)
        #expect(try await desk.message(delivery, job: sending.jobID) != nil)
    }
}
