import Business
import Bytes
import Crypto
import Engine
import Faults
import Glibc
import JSON
import TestSupport
import Testing

/// An installation that buys from another one: a shop, and the upstream that it resells.
@Suite(.database(.millrace), .serialized, .tellingLogs, .timeLimit(.minutes(3)))
struct TwoInstallationTests {
    @Test func `a shop sells, extends and announces what its upstream provisions`() async throws {
        try await SystemRig.runPair(on: .millrace) { shop, upstream in
            try await WebhookSink.run { sink in
                let market = try await Market.open(shop)
                let source = try await Market.open(upstream)
                try await market.subscribe(sink, to: ["plan.purchased", "plan.extended"])
                for rig in [upstream, shop] { _ = try rig.start("up") }
                try await connect(market, to: upstream, port: upstream.apiPort)
                let customer = try await Customer.enters(shop)
                let purchase = try await customer.buys("resold")
                try await shop.job(try #require(Identifier(purchase.jobID, prefix: "job")), is: .completed)

                let mine = try await customer.get("/plans/\(purchase.planID)")
                #expect(mine["status"]?.string == "active")
                let agent = try await Customer.enters(upstream)
                let theirs = try #require(try await agent.get("/plans")["data"]?[0])
                #expect(theirs["customerReference"]?.string == purchase.planID)
                let name = try #require(theirs["id"]?.string)
                let (here, there) = (
                    try await customer.get("/plans/\(purchase.planID)/credentials"), try await agent.get("/plans/\(name)/credentials")
                )
                #expect(here["password"]?.string != nil && here == there)
                #expect(try await agent.get("/balance")["balance"]?.string == "997.90")
                #expect(try await customer.get("/balance")["balance"]?.string == "997.00")
                try await market.settles(purchases: 1, by: "plan.order")
                try await source.settles(purchases: 1)

                let longer = try await customer.extends(purchase.planID)
                try await shop.job(try #require(Identifier(longer.jobID, prefix: "job")), is: .completed)
                let gigabytes = try await (customer.get("/plans/\(purchase.planID)"), agent.get("/plans/\(name)"))
                #expect(gigabytes.0["quotaBytes"] != mine["quotaBytes"] && gigabytes.0["quotaBytes"] == gigabytes.1["quotaBytes"])
                try await eventually("both are announced") { Set(sink.received.map(\.type)) == ["plan.purchased", "plan.extended"] }
                let requests = try await shop.count("select count(*) from upstream_requests where success")
                #expect(requests >= 4)
            }
        }
    }

    @Test func `each order is placed once, although connections break and workers die`() async throws {
        try await SystemRig.runPair(on: .millrace) { shop, upstream in
            let market = try await Market.open(shop)
            let source = try await Market.open(upstream)
            _ = try upstream.start("up")
            let proxy = FaultProxy(to: "127.0.0.1", port: upstream.apiPort)
            defer { proxy.stop() }
            try await connect(market, to: upstream, port: proxy.port)
            for role in ["relay", "scheduler", "api"] { _ = try shop.start(role) }
            var worker = try shop.start("worker")
            let customer = try await Customer.enters(shop)
            try await Customer(of: upstream).waits()
            var dice = SeededGenerator.fresh()
            var sold = 0
            for _ in 0..<3 {
                for _ in 0..<6 { _ = try await customer.buys("resold") }
                sold += 6
                let target = sold - 6 + Int.random(in: 0...3, using: &dice)
                try await eventually("some are ordered") { try await upstream.count("select count(*) from plans") >= target }
                proxy.cut()
                worker.signal(SIGKILL)
                worker = try shop.start("worker")
                proxy.restore()
            }
            try await source.settles(purchases: sold)
            try await market.settles(purchases: sold, by: "plan.order")
            let references = try await upstream.count("select count(distinct customer_reference) from plans")
            #expect(references == sold)
        }
    }

    /// Makes the shop's product `resold`, three gigabytes of which cost 3.00, with a key of the shop's account at the upstream.
    private func connect(_ market: Market, to upstream: SystemRig, port: Int) async throws {
        let agent = try await Customer.enters(upstream)
        let made = try await agent.post("/api-keys", ["name": "Shop"], expecting: 201)
        guard let key = made["key"]?.string, let price = Money("1.00") else { throw Customer.Unexpected(description: "no key: \(made.text)") }
        let staff = market.staff
        try await market.rig.act { connection, business in
            _ = try business.providers.create(
                name: "elsewhere", baseURL: "http://127.0.0.1:\(port)/api/v1", apiKey: Secret(key), by: staff, on: connection)
            let product = ProductDraft(
                code: "resold", name: "Resold", proxyType: .residential, provider: "elsewhere", providerProduct: "residential",
                pricing: .perGB(Pricing.UnitPrices(unitPrice: price)))
            _ = try business.products.create(product, by: staff, on: connection)
        }
    }
}
