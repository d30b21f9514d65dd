import Business
import Bytes
import Clocks
import Crypto
import Engine
import JSON
import Postgres
import TestSupport
import Testing

@Suite(.database(.millrace), .timeLimit(.minutes(2)))
struct PlanOrderTests {
    private let query = PriceQuery.Purchase("elsewhere", quantity: 10)
    private let delivered = UpstreamDelivery(
        reference: "up-1",
        credentials: PlanCredentials(username: "u-1", password: Secret("p/w d"), host: "gate.example", httpPort: 8000, socksPort: nil))

    private func shop() async throws -> Shop {
        let shop = try await Shop.open()
        try await shop.upstreamProduct()
        return shop
    }

    @Test func `an upstream's product is ordered by a leased job, and what came is stored`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let north = shop.reseller(shop.north)
        let request = try await shop.request(query, by: north)
        let kind = try await shop.act { try $1.ledger.find(request.jobID, on: $0)?.kind }
        #expect(kind == "plan.order")
        let payload = try await shop.payload(request)
        let order = try await shop.act { try $1.plans.order(payload.planID, on: $0) }
        #expect(order.product == "resi-1")
        #expect(order.quantity == 10)
        #expect(try await shop.act { try $1.plans.markOrderSent(payload.planID, on: $0) })
        try await shop.act { try $1.plans.markOrdered(payload.planID, providerReference: "up-1", on: $0) }
        let upstream = delivered
        guard case .done(let plan) = try await shop.act({ try $1.plans.completeOrder(payload, upstream, job: request.jobID, on: $0) }) else {
            Issue.record("the first run delivers")
            return
        }
        #expect(plan.status == .active)
        #expect(plan.providerReference == "up-1")
        #expect(try await shop.act { try $1.plans.credentials(plan.id, by: north, on: $0).password.reveal } == "p/w d")
        guard case .repeated = try await shop.act({ try $1.plans.completeOrder(payload, upstream, job: request.jobID, on: $0) }) else {
            Issue.record("the second run finds it done")
            return
        }
        #expect(try await shop.wallet(shop.north).balance == dollars("86"))
    }

    @Test func `an order that was sent cannot be cancelled, one that was cancelled is not sent`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let north = shop.reseller(shop.north)
        let (sent, unsent) = (try await shop.request(query, by: north), try await shop.request(query, by: north))
        #expect(try await shop.act { try $1.plans.markOrderSent(sent.plan.id, on: $0) })
        await refused(.conflict, "order_sent") { try await shop.act { try $1.plans.cancel(sent.plan.id, by: north, on: $0) } }
        _ = try await shop.act { try $1.plans.cancel(unsent.plan.id, by: north, on: $0) }
        #expect(try await shop.act { try $1.plans.markOrderSent(unsent.plan.id, on: $0) } == false)
        #expect(try await shop.wallet(shop.north).held == dollars("14"))
    }

    @Test func `a refused order frees the money, cancels the plan and puts the stock back`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let request = try await shop.request(query, by: shop.reseller(shop.north))
        let payload = try await shop.payload(request)
        #expect(try await shop.act { try $1.plans.markOrderSent(payload.planID, on: $0) })
        #expect(try await shop.count("select stock from products where code = 'elsewhere'") == 90)
        for _ in 0..<2 {
            guard case .released(let plan) = try await shop.act({ try $1.plans.releaseOrder(payload, reason: "sold out upstream", on: $0) }) else {
                Issue.record("the order is released")
                return
            }
            #expect(plan.status == .cancelled)
            #expect(plan.cancelReason == "sold out upstream")
        }
        #expect(try await shop.wallet(shop.north).available == dollars("100"))
        #expect(try await shop.count("select stock from products where code = 'elsewhere'") == 100)
        #expect(try await shop.count("select count(*) from webhook_events where type = 'plan.cancelled'") == 1)
    }

    @Test func `another reference for the same order is a defect that is told`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let request = try await shop.request(query, by: shop.reseller(shop.north))
        let id = request.plan.id
        try await shop.act { try $1.plans.markOrdered(id, providerReference: "up-1", on: $0) }
        try await shop.act { try $1.plans.markOrdered(id, providerReference: "up-1", on: $0) }
        await refused(.gone, "provider_reference_changed") {
            try await shop.act { try $1.plans.markOrdered(id, providerReference: "up-2", on: $0) }
        }
    }

    @Test func `a provider's key is sealed, opened for its driver, and shown to nobody`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let (staff, north) = (shop.staff, shop.reseller(shop.north))
        let provider = try #require(try await shop.act { try $1.providers.list(by: staff, on: $0) }.first { $0.name == "elsewhere" })
        #expect(provider.hasAPIKey)
        #expect(!provider.json.text.contains(Shop.apiKey.reveal))
        let access = try await shop.act { try $1.providers.access(provider.id, on: $0) }
        #expect(access.apiKey.reveal == Shop.apiKey.reveal)
        await refused(.forbidden, "operator_only") { try await shop.act { try $1.providers.list(by: north, on: $0) } }
        _ = try await shop.act { try $1.providers.update(provider.id, active: false, by: staff, on: $0) }
        await refused(.unavailable, "provider_unavailable") { try await shop.act { try $1.providers.access(provider.id, on: $0) } }
        await refused(.unavailable, "provider_unavailable") { try await shop.check(query, by: north) }
        let leaks = "select count(*) from audit_log where concat(before, after, metadata) like '%0123456789abcdef%'"
        #expect(try await shop.count(leaks) == 0)
    }

    @Test func `requests to upstreams are logged without their query and seen in the subtree`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let (staff, north, south, northID) = (shop.staff, shop.reseller(shop.north), shop.reseller(shop.south), shop.north)
        let provider = try #require(try await shop.act { try $1.providers.list(by: staff, on: $0) }.first)
        try await shop.act {
            try $1.upstream.record(
                provider: provider.id, account: northID, job: nil, method: "POST", path: "/plans?key=secret", status: 503,
                duration: .milliseconds(20),
                errorCode: "http_503", on: $0)
            try $1.upstream.record(
                provider: provider.id, account: northID, job: nil, method: "GET", path: "/plans", status: 200, duration: .milliseconds(5), on: $0)
        }
        let seen = try await shop.act { try $1.upstream.list(by: north, on: $0) }.items
        #expect(seen.map(\.path) == ["/plans", "/plans"])
        #expect(seen.map(\.success) == [true, false])
        #expect(try await shop.act { try $1.upstream.list(success: false, by: north, on: $0) }.items.count == 1)
        #expect(try await shop.act { try $1.upstream.list(by: south, on: $0) }.items.isEmpty)
    }
}
