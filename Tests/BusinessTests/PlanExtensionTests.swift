import Business
import Bytes
import Clocks
import JSON
import Postgres
import TestSupport
import Testing

@Suite(.database(.millrace), .timeLimit(.minutes(2)))
struct PlanExtensionTests {
    private func shop() async throws -> Shop {
        let shop = try await Shop.open()
        try await shop.product(Shop.residential)
        try await shop.product(Shop.datacenter)
        return shop
    }

    private func request(_ shop: Shop, _ query: PriceQuery.Extension, by caller: Caller) async throws -> PlanRequest {
        let check = try await shop.check(query, by: caller)
        return try await shop.act { try $1.plans.requestExtension(check.id, by: caller, on: $0) }
    }

    private func deliver(_ shop: Shop, _ request: PlanRequest, now: Instant = .now) async throws -> PlanDelivery {
        let payload = try await shop.payload(request)
        return try await shop.act { try $1.plans.completeExtension(payload, job: request.jobID, on: $0, now: now) }
    }

    @Test func `gigabytes are added to the quota, once, and the validity starts anew`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let (north, start) = (shop.reseller(shop.north), try #require(Instant("2027-03-01T00:00:00Z")))
        let plan = try await shop.plan(PriceQuery.Purchase("residential", quantity: 10), by: north, now: start)
        let request = try await request(shop, PriceQuery.Extension(plan.id, quantity: 5), by: north)
        #expect(try await shop.wallet(shop.north).held == dollars("7"))
        let later = start + .seconds(10 * 86_400)
        guard case .done(let extended) = try await deliver(shop, request, now: later) else {
            Issue.record("the first run extends")
            return
        }
        #expect(extended.quotaBytes == 15_000_000_000)
        #expect(extended.quantity == 15)
        #expect(extended.expiresAt == later + .seconds(30 * 86_400))
        guard case .repeated(let again) = try await deliver(shop, request, now: later) else {
            Issue.record("the second run finds it done")
            return
        }
        #expect(again == extended)
        #expect(try await shop.wallet(shop.north).balance == dollars("79"))
        #expect(try await shop.count("select count(*) from wallet_entries where type = 'extension' and amount = -7") == 1)
        #expect(try await shop.count("select count(*) from webhook_events where type = 'plan.extended'") == 1)
    }

    @Test func `periods are added to the end of the plan at the price of all its pieces`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let (north, start) = (shop.reseller(shop.north), try #require(Instant("2027-03-15T00:00:00Z")))
        let plan = try await shop.plan(PriceQuery.Purchase("datacenter", quantity: 2, period: .month), by: north, now: start)
        let check = try await shop.check(PriceQuery.Extension(plan.id, quantity: 3), by: north)
        #expect(check.price == dollars("10.80"))
        #expect(check.period == .month)
        let request = try await shop.act { try $1.plans.requestExtension(check.id, by: north, on: $0) }
        let extended = try await deliver(shop, request, now: start).plan
        #expect(extended.expiresAt?.text == "2027-07-15T00:00:00.000Z")
        #expect(extended.quantity == 2)
        #expect(extended.quotaBytes == 200_000_000_000)
    }

    @Test func `an expired plan comes back from now on`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let (north, start) = (shop.reseller(shop.north), try #require(Instant("2027-03-15T00:00:00Z")))
        let plan = try await shop.plan(PriceQuery.Purchase("datacenter", quantity: 1, period: .month), by: north, now: start)
        let late = try #require(Instant("2027-06-01T00:00:00Z"))
        #expect(try await shop.act { try $1.plans.expireDue(on: $0, now: late) } == 1)
        let request = try await request(shop, PriceQuery.Extension(plan.id, quantity: 1), by: north)
        let extended = try await deliver(shop, request, now: late).plan
        #expect(extended.status == .active)
        #expect(extended.expiresAt?.text == "2027-07-01T00:00:00.000Z")
    }

    @Test func `a plan with an extension on its way is not cancelled`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let north = shop.reseller(shop.north)
        let plan = try await shop.plan(PriceQuery.Purchase("residential", quantity: 10), by: north)
        let request = try await request(shop, PriceQuery.Extension(plan.id, quantity: 5), by: north)
        await refused(.conflict, "extension_pending") { try await shop.act { try $1.plans.cancel(plan.id, by: north, on: $0) } }
        let payload = try await shop.payload(request)
        _ = try await shop.act { try $1.plans.releaseExtension(payload, reason: "refused upstream", on: $0) }
        #expect(try await shop.wallet(shop.north).available == dollars("86"))
        guard case .released = try await deliver(shop, request) else {
            Issue.record("a released extension is not delivered")
            return
        }
        _ = try await shop.act { try $1.plans.cancel(plan.id, by: north, on: $0) }
        await refused(.conflict, "plan_not_extendable") { try await shop.check(PriceQuery.Extension(plan.id, quantity: 1), by: north) }
    }

    @Test func `a price check of before the cancel extends nothing`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let north = shop.reseller(shop.north)
        let plan = try await shop.plan(PriceQuery.Purchase("residential", quantity: 10), by: north)
        let check = try await shop.check(PriceQuery.Extension(plan.id, quantity: 5), by: north)
        _ = try await shop.act { try $1.plans.cancel(plan.id, by: north, on: $0) }
        await refused(.conflict, "plan_not_extendable") { try await shop.act { try $1.plans.requestExtension(check.id, by: north, on: $0) } }
        #expect(try await shop.wallet(shop.north).held == .zero)
    }

    @Test func `what is due expires in bounded batches, each with its event`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let north = shop.reseller(shop.north)
        for _ in 0..<3 { _ = try await shop.plan(PriceQuery.Purchase("residential", quantity: 1), by: north) }
        let late = Instant.now + .seconds(31 * 86_400)
        #expect(try await shop.act { try $1.plans.expireDue(on: $0) } == 0)
        #expect(try await shop.act { try $1.plans.expireDue(limit: 2, on: $0, now: late) } == 2)
        #expect(try await shop.act { try $1.plans.expireDue(limit: 2, on: $0, now: late) } == 1)
        #expect(try await shop.act { try $1.plans.expireDue(limit: 2, on: $0, now: late) } == 0)
        #expect(try await shop.count("select count(*) from webhook_events where type = 'plan.expired'") == 3)
        #expect(try await shop.count("select count(*) from audit_log where action = 'plan.expired'") == 3)
    }
}
