import Business
import Bytes
import Clocks
import Crypto
import JSON
import Postgres
import TestSupport
import Testing

@Suite(.database(.millrace), .timeLimit(.minutes(2)))
struct PlanPurchaseTests {
    private let tenGB = PriceQuery.Purchase("residential", quantity: 10, options: PlanOptions(country: "DE"))

    private func shop(_ lanes: Int = 4) async throws -> Shop {
        let shop = try await Shop.open(lanes: lanes)
        try await shop.product(Shop.residential)
        try await shop.product(Shop.datacenter)
        return shop
    }

    @Test func `a price check says the price, its parts and until when`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let now = Instant.now
        let check = try await shop.check(PriceQuery.Purchase("residential", quantity: 100), by: shop.reseller(shop.north), now: now)
        #expect(check.price == dollars("120"))
        #expect(check.parts.reduce(.zero) { $0 + $1.amount } == check.price)
        #expect(check.expiresAt == now + .seconds(600))
        #expect(try await shop.wallet(shop.north).held == .zero)
    }

    @Test(arguments: [
        (PriceQuery.Purchase("residential", quantity: 0), BusinessError.Kind.invalid, "quantity_out_of_range"),
        (PriceQuery.Purchase("residential", quantity: 1001), .invalid, "quantity_out_of_range"),
        (PriceQuery.Purchase("residential", quantity: 1, options: PlanOptions(country: "FR")), .invalid, "country_not_offered"),
        (PriceQuery.Purchase("datacenter", quantity: 1, period: .month, options: PlanOptions(country: "DE")), .invalid, "country_not_offered"),
        (PriceQuery.Purchase("datacenter", quantity: 1), .invalid, "period_required"),
        (PriceQuery.Purchase("datacenter", quantity: 11, period: .month), .conflict, "out_of_stock"),
        (PriceQuery.Purchase("no-such-thing", quantity: 1), .notFound, "not_found"),
    ])
    func `what cannot be bought has no price`(_ query: PriceQuery.Purchase, _ kind: BusinessError.Kind, _ code: String) async throws {
        let shop = try await shop()
        defer { shop.close() }
        await refused(kind, code) { try await shop.check(query, by: shop.reseller(shop.north)) }
        #expect(try await shop.count("select count(*) from price_checks") == 0)
    }

    @Test func `a purchase holds the money, and its job delivers the plan and charges`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let north = shop.reseller(shop.north)
        let request = try await shop.request(tenGB, by: north, reference: "customer 7")
        #expect(request.plan.status == .pending)
        #expect(request.plan.username == nil)
        var wallet = try await shop.wallet(shop.north)
        #expect(wallet.balance == dollars("100"))
        #expect(wallet.held == dollars("14"))

        let now = Instant.now
        guard case .done(let plan) = try await shop.deliver(request, now: now) else {
            Issue.record("the first run delivers")
            return
        }
        #expect(plan.status == .active)
        #expect(plan.quotaBytes == 10_000_000_000)
        #expect(plan.expiresAt == now + .seconds(30 * 86_400))
        #expect(plan.customerReference == "customer 7")
        #expect(plan.options.country == "DE")
        #expect(plan.username?.wholeMatch(of: /mr[a-z2-7]{10}/) != nil)
        wallet = try await shop.wallet(shop.north)
        #expect(wallet.balance == dollars("86"))
        #expect(wallet.held == .zero)
        let entry = try await shop.act { try $1.wallets.entries(EntryFilter(types: [.purchase]), by: north, on: $0) }.items[0]
        #expect(entry.amount == dollars("-14"))
        #expect(entry.reference == WalletEntry.Reference("plan", plan.id))
        #expect(entry.jobID == request.jobID)
        #expect(try await shop.count("select count(*) from audit_log where action = 'plan.purchased' and job_id is not null") == 1)
    }

    @Test func `a delivery that runs again charges once and keeps the credentials`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let north = shop.reseller(shop.north)
        let request = try await shop.request(tenGB, by: north)
        let first = try await shop.deliver(request).plan
        let before = try await shop.act { try $1.plans.credentials(first.id, by: north, on: $0).password.reveal }
        guard case .repeated(let again) = try await shop.deliver(request) else {
            Issue.record("the second run finds it done")
            return
        }
        #expect(again == first)
        #expect(try await shop.act { try $1.plans.credentials(first.id, by: north, on: $0).password.reveal } == before)
        #expect(try await shop.wallet(shop.north).balance == dollars("86"))
        #expect(try await shop.count("select count(*) from webhook_events where type = 'plan.purchased'") == 1)
    }

    @Test func `eight deliveries at once take effect once`() async throws {
        let shop = try await shop(8)
        defer { shop.close() }
        let request = try await shop.request(tenGB, by: shop.reseller(shop.north))
        #expect(await atOnce(8) { _ in try await shop.deliver(request) } == 8)
        #expect(try await shop.wallet(shop.north).balance == dollars("86"))
        #expect(try await shop.count("select count(*) from wallet_entries where type = 'purchase'") == 1)
        #expect(try await shop.count("select count(*) from webhook_events") == 1)
    }

    @Test func `the event tells of the plan and holds no password`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let north = shop.reseller(shop.north)
        let plan = try await shop.plan(tenGB, by: north)
        let password = try await shop.act { try $1.plans.credentials(plan.id, by: north, on: $0).password.reveal }
        let texts: [String] = try await shop.act { connection, _ in
            try connection.run(
                .once("select data::text as text from webhook_events union all select concat(before, after, metadata) from audit_log")
            ).map { try $0("text") }
        }
        #expect(texts.contains { $0.contains(plan.id.text("plan")) })
        #expect(texts.allSatisfy { !$0.contains(password) && !$0.contains("\"password\"") })
        let stored: [UInt8] = try await shop.act { connection, _ in try connection.run(.once("select password from plans")).only()("password") }
        #expect(!String(decoding: stored, as: UTF8.self).contains(password))
    }

    @Test func `without money nothing happens, and the price check can be used later`() async throws {
        let shop = try await Shop.open(credit: dollars("13.99"))
        defer { shop.close() }
        try await shop.product(Shop.residential)
        let (north, northID, staff) = (shop.reseller(shop.north), shop.north, shop.staff)
        let check = try await shop.check(tenGB, by: north)
        let error = await refused(.paymentRequired, "insufficient_balance") {
            try await shop.act { try $1.plans.requestPurchase(check.id, by: north, on: $0) }
        }
        #expect(error?.message.contains("13.99 USD available, 14.00 USD needed") == true)
        for table in ["plans", "jobs", "wallet_holds"] { #expect(try await shop.count("select count(*) from \(table)") == 0) }
        try await shop.act { try $1.wallets.topUp(northID, dollars("0.01"), by: staff, on: $0) }
        let request = try await shop.act { try $1.plans.requestPurchase(check.id, by: north, on: $0) }
        #expect(request.plan.price == dollars("14"))
        #expect(try await shop.wallet(northID).available == .zero)
    }

    @Test func `a price check is good for one purchase, in its time, by its owner`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let (north, south, east) = (shop.reseller(shop.north), shop.reseller(shop.south), shop.reseller(shop.northEast))
        let check = try await shop.check(tenGB, by: north)
        for stranger in [south, east] {
            await refused(.notFound, "not_found") { try await shop.act { try $1.plans.requestPurchase(check.id, by: stranger, on: $0) } }
        }
        await refused(.gone, "price_check_expired") {
            try await shop.act { try $1.plans.requestPurchase(check.id, by: north, on: $0, now: check.expiresAt) }
        }
        await refused(.conflict, "price_check_purpose") { try await shop.act { try $1.plans.requestExtension(check.id, by: north, on: $0) } }
        _ = try await shop.act { try $1.plans.requestPurchase(check.id, by: north, on: $0) }
        await refused(.conflict, "price_check_used") { try await shop.act { try $1.plans.requestPurchase(check.id, by: north, on: $0) } }
        #expect(try await shop.wallet(shop.north).held == dollars("14"))
    }

    @Test func `of eight purchases on one price check one is made`() async throws {
        let shop = try await shop(8)
        defer { shop.close() }
        let north = shop.reseller(shop.north)
        let check = try await shop.check(tenGB, by: north)
        #expect(await atOnce(8) { _ in try await shop.act { try $1.plans.requestPurchase(check.id, by: north, on: $0) } } == 1)
        #expect(try await shop.wallet(shop.north).held == dollars("14"))
        #expect(try await shop.count("select count(*) from plans") == 1)
    }

    @Test func `the price that was shown is the price that is charged`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let (north, staff) = (shop.reseller(shop.north), shop.staff)
        let check = try await shop.check(tenGB, by: north)
        _ = try await shop.act { connection, business in
            try business.products.update("residential", by: staff, on: connection) {
                $0.pricing = .perGB(Pricing.UnitPrices(unitPrice: dollars("9")))
            }
        }
        let request = try await shop.act { try $1.plans.requestPurchase(check.id, by: north, on: $0) }
        try await shop.deliver(request)
        #expect(try await shop.wallet(shop.north).balance == dollars("86"))
    }

    @Test func `stock is never oversold`() async throws {
        let shop = try await shop(8)
        defer { shop.close() }
        let buyers = [shop.reseller(shop.north), shop.reseller(shop.northEast), shop.reseller(shop.south)]
        let query = PriceQuery.Purchase("datacenter", quantity: 3, period: .month)
        // Ten are there: three orders of three fit, whoever comes first.
        #expect(await atOnce(8) { index in try await shop.request(query, by: buyers[index % 3]) } == 3)
        #expect(try await shop.count("select stock from products where code = 'datacenter'") == 1)
        #expect(try await shop.count("select count(*) from plans") == 3)
        #expect(try await shop.count("select count(*) from wallet_holds where state = 'held'") == 3)
    }

    @Test func `a monthly plan ends on the same day of the next month, with its volume`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let (north, start) = (shop.reseller(shop.north), try #require(Instant("2027-01-31T10:00:00Z")))
        let plan = try await shop.plan(PriceQuery.Purchase("datacenter", quantity: 2, period: .month), by: north, now: start)
        #expect(plan.expiresAt?.text == "2027-02-28T10:00:00.000Z")
        #expect(plan.quotaBytes == 50_000_000_000)
        #expect(plan.quantity == 2)
        let year = try await shop.plan(PriceQuery.Purchase("datacenter", quantity: 1, period: .year), by: north, now: start)
        #expect(year.expiresAt?.text == "2028-01-31T10:00:00.000Z")
        #expect(year.quotaBytes == 600_000_000_000)
        #expect(try await shop.wallet(shop.north).balance == dollars("78.40"))
    }

    @Test func `a pending plan is cancelled with its money and its stock, and a late delivery changes nothing`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let north = shop.reseller(shop.north)
        let request = try await shop.request(PriceQuery.Purchase("datacenter", quantity: 4, period: .month), by: north)
        #expect(try await shop.count("select stock from products where code = 'datacenter'") == 6)
        let plan = try await shop.act { try $1.plans.cancel(request.plan.id, by: north, on: $0) }
        #expect(plan.status == .cancelled)
        #expect(try await shop.wallet(shop.north).available == dollars("100"))
        #expect(try await shop.count("select stock from products where code = 'datacenter'") == 10)
        guard case .released = try await shop.deliver(request) else {
            Issue.record("there is nothing to deliver")
            return
        }
        #expect(try await shop.wallet(shop.north).balance == dollars("100"))
        #expect(try await shop.count("select count(*) from webhook_events where type = 'plan.cancelled'") == 1)
    }

    @Test func `when cancel and delivery race, the money is either charged or free, never both`() async throws {
        let shop = try await shop(4)
        defer { shop.close() }
        let north = shop.reseller(shop.north)
        for _ in 0..<12 {
            let request = try await shop.request(PriceQuery.Purchase("residential", quantity: 1), by: north)
            async let delivery = shop.deliver(request)
            async let cancel = shop.act { try $1.plans.cancel(request.plan.id, by: north, on: $0) }
            let (delivered, cancelled) = (try await delivery, try await cancel)
            #expect(cancelled.status == .cancelled)
            let charged = try await shop.count("select count(*) from wallet_entries where reference_id = '\(request.plan.id)'")
            if case .done = delivered { #expect(charged == 1) } else { #expect(charged == 0) }
        }
        #expect(try await shop.wallet(shop.north).held == .zero)
    }

    @Test func `an active plan is cancelled without a refund`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let north = shop.reseller(shop.north)
        let plan = try await shop.plan(tenGB, by: north)
        let cancelled = try await shop.act { try $1.plans.cancel(plan.id, reason: "not needed", by: north, on: $0) }
        #expect(cancelled.cancelReason == "not needed")
        #expect(try await shop.wallet(shop.north).balance == dollars("86"))
        await refused(.conflict, "plan_ended") { try await shop.act { try $1.plans.cancel(plan.id, by: north, on: $0) } }
        await refused(.conflict, "no_credentials") { try await shop.act { try $1.plans.credentials(plan.id, by: north, on: $0) } }
    }

    @Test func `a job's hold cannot pay for another plan`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let north = shop.reseller(shop.north)
        let (one, two) = (try await shop.request(tenGB, by: north), try await shop.request(tenGB, by: north))
        var payload = try await shop.payload(one)
        payload.holdID = try await shop.payload(two).holdID
        let mixed = payload
        await refused(.invalid, "wrong_hold") { try await shop.act { try $1.plans.completePurchase(mixed, job: one.jobID, on: $0) } }
        #expect(try await shop.wallet(shop.north).balance == dollars("100"))
    }

    @Test func `nobody sees or touches the plan of a stranger or of an ancestor`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let plan = try await shop.plan(tenGB, by: shop.reseller(shop.north))
        for stranger in [shop.reseller(shop.south), shop.reseller(shop.northEast)] {
            #expect(try await shop.act { try $1.plans.list(by: stranger, on: $0) }.items.isEmpty)
            await refused(.notFound, "not_found") { try await shop.act { try $1.plans.find(plan.id, by: stranger, on: $0) } }
            await refused(.notFound, "not_found") { try await shop.act { try $1.plans.cancel(plan.id, by: stranger, on: $0) } }
            await refused(.notFound, "not_found") { try await shop.act { try $1.plans.credentials(plan.id, by: stranger, on: $0) } }
            await refused(.notFound, "not_found") {
                try await shop.act { try $1.plans.edit(plan.id, PlanEdit(groupName: .set("x")), by: stranger, on: $0) }
            }
            await refused(.notFound, "not_found") { try await shop.check(PriceQuery.Extension(plan.id, quantity: 1), by: stranger) }
        }
        let staff = shop.staff
        #expect(try await shop.act { try $1.plans.find(plan.id, by: staff, on: $0) }.id == plan.id)
    }
}
