import Business
import Bytes
import Clocks
import JSON
import Postgres
import TestSupport
import Testing

@Suite(.database(.millrace), .timeLimit(.minutes(2)))
struct ProductTests {
    private func price(_ shop: Shop, _ caller: Caller) async throws -> Pricing {
        try await shop.act { try $1.products.find("residential", by: caller, on: $0).pricing }
    }

    @Test func `the nearest override upwards in the tree is the price`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        try await shop.product(Shop.residential)
        let (staff, north, east, south) = (shop.staff, shop.reseller(shop.north), shop.reseller(shop.northEast), shop.reseller(shop.south))
        let (northID, eastID) = (shop.north, shop.northEast)
        let list = Shop.residential.pricing
        let own = Pricing.perGB(Pricing.UnitPrices(unitPrice: dollars("1.10")))
        try await shop.act { try $1.products.setOverride(.rule(own), of: "residential", for: northID, by: staff, on: $0) }
        #expect(try await price(shop, north) == own)
        #expect(try await price(shop, east) == own)
        #expect(try await price(shop, south) == list)
        try await shop.act { try $1.products.setOverride(.percent(dollars("50")), of: "residential", for: eastID, by: staff, on: $0) }
        #expect(try await price(shop, east) == PriceOverride.percent(dollars("50")).applied(to: list))
        #expect(try await price(shop, north) == own)
        let check = try await shop.check(PriceQuery.Purchase("residential", quantity: 10), by: east)
        #expect(check.price == dollars("7"))
        try await shop.act { try $1.products.setOverride(nil, of: "residential", for: eastID, by: staff, on: $0) }
        #expect(try await price(shop, east) == own)
        let wrong = PriceOverride.rule(.perUnit(Pricing.UnitPrices(unitPrice: dollars("1"))))
        await refused(.invalid, "invalid_pricing") {
            try await shop.act { try $1.products.setOverride(wrong, of: "residential", for: northID, by: staff, on: $0) }
        }
    }

    @Test func `only the operator's staff make and change products`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        let north = shop.reseller(shop.north)
        await refused(.forbidden, "permission_denied") { try await shop.act { try $1.products.create(Shop.residential, by: north, on: $0) } }
        try await shop.product(Shop.residential)
        await refused(.forbidden, "permission_denied") {
            try await shop.act { connection, business in try business.products.update("residential", by: north, on: connection) { $0.stock = 1 } }
        }
        await refused(.conflict, "code_taken") { try await shop.product(Shop.residential) }
    }

    @Test func `what is not sold any more is hidden from buyers`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        try await shop.product(Shop.residential)
        let (staff, north) = (shop.staff, shop.reseller(shop.north))
        let check = try await shop.check(PriceQuery.Purchase("residential", quantity: 1), by: north)
        _ = try await shop.act { connection, business in
            try business.products.update("residential", by: staff, on: connection) { $0.active = false }
        }
        #expect(try await shop.act { try $1.products.list(by: north, on: $0) }.isEmpty)
        #expect(try await shop.act { try $1.products.list(by: staff, on: $0) }.count == 1)
        await refused(.notFound, "not_found") { try await shop.act { try $1.products.find("residential", by: north, on: $0) } }
        await refused(.conflict, "product_inactive") { try await shop.act { try $1.plans.requestPurchase(check.id, by: north, on: $0) } }
        #expect(try await shop.count("select count(*) from price_checks where used_at is not null") == 0)
    }

    private static let spoiled: [(String, @Sendable (inout ProductDraft) -> Void)] = [
        ("/code", { $0.code = "Not A Code" }), ("/name", { $0.name = "" }), ("/currency", { $0.currency = "usd" }),
        ("/proxyType", { $0.proxyType = nil }), ("/stock", { $0.stock = -1 }), ("/maximumQuantity", { $0.maximumQuantity = 0 }),
        ("/validityDays", { $0.validityDays = 0 }), ("/countries/1", { $0.countries = ["DE", "Germany"] }),
        ("/limits/connections", { $0.limits = ["connections": "many"] }), ("/provider", { $0.provider = "nobody" }),
    ]

    @Test(arguments: spoiled.indices)
    func `a product that makes no sense is refused with the field at fault`(_ index: Int) async throws {
        let (field, spoil) = Self.spoiled[index]
        let shop = try await Shop.open(credit: .zero)
        defer { shop.close() }
        var draft = Shop.residential
        spoil(&draft)
        let spoiled = draft
        let staff = shop.staff
        do {
            _ = try await shop.act { try $1.products.create(spoiled, by: staff, on: $0) }
            Issue.record("it was accepted")
        } catch let error as BusinessError {
            #expect(error.kind == .invalid)
            #expect(error.field == field)
        }
    }

    @Test func `a change does not undo a sale`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        try await shop.product(Shop.datacenter)
        let (staff, north) = (shop.staff, shop.reseller(shop.north))
        _ = try await shop.request(PriceQuery.Purchase("datacenter", quantity: 4, period: .month), by: north)
        let product = try await shop.act { connection, business in
            try business.products.update("datacenter", by: staff, on: connection) { $0.name = "Datacenter IPs" }
        }
        #expect(product.stock == 6)
        await refused(.conflict, "fixed_field") {
            try await shop.act { connection, business in try business.products.update("datacenter", by: staff, on: connection) { $0.currency = "EUR" }
            }
        }
    }
}
