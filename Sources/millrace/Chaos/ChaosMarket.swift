internal import Business
internal import Crypto
internal import Engine
internal import JSON
internal import Postgres

/// What a run trades with: resellers with money, a product, endpoints that hear of everything.
///
/// Made by the rules directly, before any process runs.
struct ChaosMarket: Sendable {
    static let password = "a password of chaos"
    static let product = "residential"
    /// The last reseller has so little that it meets 402.
    static let resellers = 6
    static let money = "100000.00"
    static let littleMoney = "40.00"

    let staff: Caller
    let resellers: [Caller]

    static func username(_ number: Int) -> String { "reseller-\(number)" }
    static func money(of number: Int) -> String { number == resellers - 1 ? littleMoney : money }

    static func open(_ rig: ChaosRig, sinkURL: String) throws -> ChaosMarket {
        let business = rig.business
        let hash = try PasswordHash(Secret(password), cost: 4)
        return try rig.connect().transaction { connection in
            let root = try business.accounts.bootstrapOperator(name: "Chaos", currency: "USD", username: "admin", password: hash, on: connection)
            guard let root, let price = Money("0.70") else { throw CommandFailure(.failure, "the chaos database has an operator already") }
            let staff = Caller(accountID: root, role: .superAdmin, permissions: Permission.all(of: .superAdmin))
            var resellers: [Caller] = []
            for number in 0..<Self.resellers {
                let user = NewUser(username: username(number), password: hash)
                let account = try business.accounts.create(
                    NewAccount(.reseller, name: "Reseller \(number)", firstUser: user), by: staff, on: connection)
                guard let money = Money(money(of: number)) else { preconditionFailure("the amount is one") }
                try business.wallets.topUp(account.id, money, by: staff, on: connection)
                let caller = Caller(
                    accountID: account.id, role: .reseller, permissions: Permission.all(of: .reseller), actorID: user.id, subjectID: user.id)
                var endpoint = WebhookEndpointChange()
                endpoint.url = sinkURL
                endpoint.events = ["plan.purchased", "plan.extended"]
                _ = try business.webhooks.create(endpoint, by: caller, on: connection)
                resellers.append(caller)
            }
            _ = try business.products.create(
                ProductDraft(
                    code: product, name: "Residential", proxyType: .residential, pricing: .perGB(Pricing.UnitPrices(unitPrice: price))), by: staff,
                on: connection)
            // As long ago as the audit needs to know that the endpoints wanted every event of the run.
            try connection.script("update webhook_endpoints set updated_at = now() - interval '2 hours'")
            return ChaosMarket(staff: staff, resellers: resellers)
        }
    }
}
