import Business
import Bytes
import Clocks
import Crypto
import JSON
import Postgres

/// Buying in the rig: the reseller has 100 dollars, a gigabyte costs 1.40.
extension WorkRig {
    /// Makes the product, served here or bought from an upstream at this URL.
    func openMarket(upstream url: String? = nil, key: String = FakeUpstream.key, onLoss: LossRule = .refuse) async throws {
        let (staff, account) = (staff, north)
        try await act { connection, business in
            try business.wallets.topUp(account, Self.dollars("100"), by: staff, on: connection)
            var draft = ProductDraft(
                code: "residential", name: "Residential", proxyType: .residential,
                pricing: .perGB(Pricing.UnitPrices(unitPrice: Self.dollars("1.40"))), countries: ["DE"])
            if let url {
                _ = try business.providers.create(name: "elsewhere", baseURL: url, apiKey: Secret(key), onLoss: onLoss, by: staff, on: connection)
                (draft.provider, draft.providerProduct) = ("elsewhere", "resi-1")
            }
            _ = try business.products.create(draft, by: staff, on: connection)
        }
    }

    func buy(_ quantity: Int = 5) async throws -> PlanRequest {
        let caller = reseller
        return try await act { connection, business in
            let query = PriceQuery.Purchase("residential", quantity: quantity, period: nil, options: PlanOptions(country: "DE"))
            let check = try business.priceChecks.check(query, by: caller, on: connection)
            return try business.plans.requestPurchase(check.id, by: caller, on: connection)
        }
    }

    func extend(_ plan: Identifier, by quantity: Int = 2) async throws -> PlanRequest {
        let caller = reseller
        return try await act { connection, business in
            let check = try business.priceChecks.check(PriceQuery.Extension(plan, quantity: quantity, period: nil), by: caller, on: connection)
            return try business.plans.requestExtension(check.id, by: caller, on: connection)
        }
    }

    func plan(_ id: Identifier) async throws -> Plan {
        let caller = reseller
        return try await act { try $1.plans.find(id, by: caller, on: $0) }
    }

    func wallet() async throws -> Wallet {
        let account = north
        return try await act { try $1.wallets.read(account, on: $0) }
    }

    static func dollars(_ text: String) -> Money {
        guard let money = Money(text) else { preconditionFailure("\(text) is an amount") }
        return money
    }
}
