import Business
import Bytes
import Crypto
import Engine
import Postgres
import TestSupport
import Testing

/// Resellers with money, and something to buy, in a rig's database; purchases are asked for by the rules directly, as the API does.
struct Market: Sendable {
    static let password = "correct horse battery"
    static let username = "reseller-0"
    static let admin = "admin"

    let rig: SystemRig
    let staff: Caller
    let resellers: [Caller]

    /// - Parameter money: what each reseller has.
    static func open(_ rig: SystemRig, resellers count: Int = 1, money: String = "1000") async throws -> Market {
        let hash = try PasswordHash(Secret(password), cost: 4)
        let money = try #require(Money(money))
        let price = try #require(Money("0.70"))
        let (staff, resellers) = try await rig.act { connection, business in
            let root = try business.accounts.bootstrapOperator(
                name: "Millrace", currency: "USD", username: admin, password: hash, on: connection)
            let staff = Caller(accountID: try #require(root), role: .superAdmin, permissions: Permission.all(of: .superAdmin))
            var resellers: [Caller] = []
            for number in 0..<count {
                let user = NewUser(username: "reseller-\(number)", password: hash)
                let account = try business.accounts.create(
                    NewAccount(.reseller, name: "Reseller \(number)", firstUser: user), by: staff, on: connection)
                try business.wallets.topUp(account.id, money, by: staff, on: connection)
                resellers.append(
                    Caller(
                        accountID: account.id, role: .reseller, permissions: Permission.all(of: .reseller), actorID: user.id, subjectID: user.id))
            }
            let product = ProductDraft(
                code: "residential", name: "Residential", proxyType: .residential, pricing: .perGB(Pricing.UnitPrices(unitPrice: price)))
            _ = try business.products.create(product, by: staff, on: connection)
            return (staff, resellers)
        }
        return Market(rig: rig, staff: staff, resellers: resellers)
    }

    /// Asks for a plan of three gigabytes, 2.10.
    func purchase(by number: Int = 0) async throws -> PlanRequest {
        let caller = resellers[number % resellers.count]
        return try await rig.act { connection, business in
            let check = try business.priceChecks.check(PriceQuery.Purchase("residential", quantity: 3), by: caller, on: connection)
            return try business.plans.requestPurchase(check.id, by: caller, on: connection)
        }
    }

    /// So many purchases at once, spread over the resellers; returns their plans.
    ///
    /// In the order of the accounts, as workers have it: nobody waits in a circle.
    func purchases(_ count: Int) async throws -> [Identifier] {
        let buyers = (0..<count).map { resellers[$0 % resellers.count] }.sorted { $0.accountID < $1.accountID }
        return try await rig.act { connection, business in
            try buyers.map { caller in
                let check = try business.priceChecks.check(PriceQuery.Purchase("residential", quantity: 3), by: caller, on: connection)
                return try business.plans.requestPurchase(check.id, by: caller, on: connection).plan.id
            }
        }
    }

    /// The same, again and again while others hold a wallet, as a client does whom the API answers `busy`.
    func purchasesAgainAndAgain(_ count: Int) async throws -> [Identifier] {
        var plans: [Identifier] = []
        try await eventually("the wallets are free", within: .seconds(30)) {
            do {
                plans = try await purchases(count)
                return true
            } catch let error as PostgresError where error.kind == .lockTimeout {
                return false
            }
        }
        return plans
    }

    /// An endpoint of a reseller for these events; returns its secret.
    @discardableResult
    func subscribe(_ sink: WebhookSink, to events: [String] = ["plan.purchased"], by number: Int = 0) async throws -> String {
        var change = WebhookEndpointChange()
        change.url = sink.url
        change.events = events
        let (caller, wanted) = (resellers[number], change)
        return try await rig.act { connection, business in try business.webhooks.create(wanted, by: caller, on: connection).secret.reveal }
    }

    // MARK: - What must hold

    /// Waits until nothing waits and nothing runs, then looks into every book: each accepted purchase has taken effect exactly once.
    func settles(purchases: Int, by kind: String = "plan.purchase", within limit: Duration = .seconds(60)) async throws {
        try await eventually("\(purchases) plans are active", within: limit) {
            try await rig.count("select count(*) from plans where status = 'active'") == purchases
        }
        try await eventually("nothing waits and nothing runs", within: limit) {
            try await rig.count("select count(*) from jobs where kind <> 'retention.sweep' and kind <> 'plan.expire'") == 0
        }
        try await holds("no plan beside these", "select count(*) from plans", purchases)
        try await holds(
            "one job completed for each", "select count(*) from finished_jobs where kind = '\(kind)' and state = 'completed'", purchases)
        try await holds("nothing else ended", "select count(*) from finished_jobs where state <> 'completed'", 0)
        try await holds("one entry for each", "select count(distinct reference_id) from wallet_entries where type = 'purchase'", purchases)
        try await holds("and no second one", "select count(*) from wallet_entries where type = 'purchase'", purchases)
        try await holds("one audit row for each", "select count(*) from audit_log where action = 'plan.purchased'", purchases)
        try await holds("each hold captured", "select count(*) from wallet_holds where state <> 'captured'", 0)
        try await holds("nothing held", "select count(*) from wallets where held <> 0", 0)
        try await holds(
            "each balance is the sum of its entries",
            "select count(*) from wallets w where balance <> (select coalesce(sum(amount), 0) from wallet_entries e where e.wallet_id = w.id)", 0)
        try await holds("no wake-up is left", "select count(*) from outbox o where o.kind <> 'retention.sweep' and o.kind <> 'plan.expire'", 0)
    }

    private func holds(_ what: Comment, _ sql: String, _ expected: Int) async throws {
        let count = try await rig.count(sql)
        #expect(count == expected, what)
    }

    /// Each of these plans was announced, at least once and under one id.
    func announced(_ plans: [Identifier], to sink: WebhookSink, within limit: Duration = .seconds(60)) async throws {
        try await eventually("every plan is announced", within: limit) {
            Set(sink.received.map(\.planID)).isSuperset(of: plans.map { $0.text("plan") })
        }
        var ids: [String: Set<String>] = [:]
        for event in sink.received where event.type == "plan.purchased" { ids[event.planID, default: []].insert(event.id) }
        for plan in plans {
            let count = ids[plan.text("plan")]?.count ?? 0
            #expect(count == 1, "plan \(plan) was announced under \(count) ids")
        }
    }
}
