import Business
import Bytes
import Clocks
import JSON
import Postgres
import TestSupport
import Testing

@Suite(.database(.millrace), .timeLimit(.minutes(2)))
struct WebhookEmissionTests {
    @Test func `an event, its deliveries and their jobs exist if and only if the transaction commits`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        for _ in 0..<3 { _ = try await desk.endpoint(of: desk.shop.north) }
        let north = desk.shop.north
        struct Change: Error {}
        await #expect(throws: Change.self) {
            try await desk.act { connection, webhooks in
                try webhooks.emit(.planPurchased, account: north, data: [:], on: connection)
                throw Change()
            }
        }
        #expect(try await desk.shop.count("select count(*) from webhook_events") == 0)
        #expect(try await desk.shop.count("select count(*) from webhook_deliveries") == 0)
        #expect(try await desk.shop.count("select count(*) from jobs") == 0)
        try await desk.emit(of: north)
        #expect(try await desk.shop.count("select count(*) from webhook_events") == 1)
        #expect(
            try await desk.shop.count(
                """
                select count(*) from webhook_deliveries d join jobs j on j.id = d.job_id join outbox o on o.job_id = j.id
                where j.kind = 'webhook.deliver' and replace(d.id::text, '-', '') = substr(j.payload ->> 'deliveryId', 5) and j.account_id = d.account_id
                """) == 3)
    }

    @Test func `an account and its ancestors hear of an event if they asked for it; strangers and children do not`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let shop = desk.shop
        let own = try await desk.endpoint(of: shop.north, events: ["plan.purchased"]).id
        let parent = try await desk.endpoint(of: shop.root).id
        let other = try await desk.endpoint(of: shop.north, events: ["plan.expired"]).id
        let child = try await desk.endpoint(of: shop.northEast).id
        let stranger = try await desk.endpoint(of: shop.south).id
        let inactive = try await desk.endpoint(of: shop.north).id
        let caller = shop.reseller(shop.north)
        _ = try await desk.act { try $1.update(inactive, WebhookDesk.change(active: false), by: caller, on: $0) }
        try await desk.emit(.planPurchased, of: shop.north)
        #expect(try await desk.deliveries(own, of: shop.root).count == 1)
        #expect(try await desk.deliveries(parent, of: shop.root).count == 1)
        for id in [other, child, stranger, inactive] { #expect(try await desk.deliveries(id, of: shop.root).isEmpty) }
    }

    @Test func `each form has its body, stored once with the data's order kept`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let north = desk.shop.north
        let standard = try await desk.endpoint(of: north).id
        let seed = try await desk.endpoint(of: north, form: .seed).id
        let now = Instant(microseconds: 1_760_000_000_123_456)
        try await desk.act { try $1.emit(.balanceLow, account: north, data: ["z": 1, "a": "ä\"\n"], on: $0, now: now) }
        let caller = desk.shop.reseller(north)
        func body(_ endpoint: Identifier) async throws -> String {
            let id = try await desk.deliveries(endpoint, of: north)[0].id
            return try await desk.act { try $1.delivery(id, by: caller, on: $0).body }
        }
        let rest = #","timestamp":"\#(now.text)","data":{"z":1,"a":"ä\"\n"}}"#
        #expect(try await body(standard) == #"{"type":"balance.low""# + rest)
        #expect(try await body(seed) == #"{"event":"balance.low""# + rest)
    }

    @Test func `a delivery keeps the form that its body was made for`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let caller = desk.shop.reseller(desk.shop.north)
        let (id, _) = try await desk.endpoint(of: desk.shop.north, form: .seed)
        try await desk.emit(of: desk.shop.north)
        _ = try await desk.act { try $1.update(id, WebhookDesk.change(form: .standard), by: caller, on: $0) }
        try await desk.emit(of: desk.shop.north)
        let deliveries = try await desk.deliveries(id, of: desk.shop.north)
        var names: [[String]] = []
        for delivery in deliveries {
            let message = try #require(try await desk.message(delivery))
            names.append(message.headers(at: .now).map(\.name))
        }
        #expect(
            names == [
                ["X-Millrace-Event", "X-Millrace-Delivery", "X-Millrace-Signature"], ["webhook-id", "webhook-timestamp", "webhook-signature"],
            ])
    }

    /// A reseller's endpoint hears of everything below it: were its row locked, all purchases of its customers would stand in one line.
    @Test func `transactions that emit to one endpoint do not wait for each other, nor for a change of the endpoint`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let (north, caller, webhooks) = (desk.shop.north, desk.shop.reseller(desk.shop.north), desk.business.webhooks)
        let (id, _) = try await desk.endpoint(of: north)
        var settings = try TestDatabase.current.settings
        settings.lockTimeout = .milliseconds(300)
        let impatient = settings
        try await desk.act { connection, _ in
            try webhooks.emit(.planPurchased, account: north, data: [:], on: connection)
            let second = try Connection(impatient)
            try second.transaction { try webhooks.emit(.planPurchased, account: north, data: [:], on: $0) }
            try second.transaction { _ = try webhooks.rotateSecret(id, by: caller, on: $0) }
        }
        try await desk.act { connection, _ in
            _ = try webhooks.rotateSecret(id, by: caller, on: connection)
            try Connection(impatient).transaction { try webhooks.emit(.planPurchased, account: north, data: [:], on: $0) }
        }
        #expect(try await desk.deliveries(id, of: north).count == 3)
    }

    @Test func `a test event goes to its endpoint alone, whatever it asked for`() async throws {
        let desk = try await WebhookDesk.open()
        defer { desk.close() }
        let (north, caller) = (desk.shop.north, desk.shop.reseller(desk.shop.north))
        let asked = try await desk.endpoint(of: north, events: ["plan.expired"]).id
        let other = try await desk.endpoint(of: north).id
        let sending = try await desk.act { try $1.sendTest(asked, by: caller, on: $0) }
        let deliveries = try await desk.deliveries(asked, of: north)
        #expect(deliveries.map(\.id) == [sending.deliveryID] && deliveries[0].type == "test" && deliveries[0].jobID == sending.jobID)
        #expect(try await desk.deliveries(other, of: north).isEmpty)
    }
}
