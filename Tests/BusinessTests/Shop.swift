import Business
import Bytes
import Clocks
import Crypto
import Engine
import JSON
import Postgres
import TestSupport

/// Accounts, money and products to test the rules with, in the database of the running test.
///
///     operator ─┬─ north ─── north-east     (resellers)
///               └─ south                    (a stranger to them)
struct Shop: Sendable {
    let database: Database
    let business: Business
    let root = Identifier.next()
    let north = Identifier.next()
    let northEast = Identifier.next()
    let south = Identifier.next()

    /// - Parameter credit: what every account but the operator has on its wallet.
    static func open(credit: Money = Money(micros: 100_000_000), lanes: Int = 4) async throws -> Shop {
        let shop = Shop(
            database: Database(try TestDatabase.current.settings, lanes: lanes, name: "shop"),
            business: Business(
                ledger: Ledger(catalog: try Self.catalog()), keys: try EncryptionKeys([1: EncryptionKeys.makeKey()]), rules: Rules()))
        try await shop.act { connection, business in
            for (id, parent, type, name) in [
                (shop.root, nil, "operator", "operator"), (shop.north, shop.root, "reseller", "north"),
                (shop.northEast, shop.north, "reseller", "north-east"), (shop.south, shop.root, "reseller", "south"),
            ] {
                try connection.run(
                    .once("insert into accounts (id, parent_id, type, name, currency) values ($1, $2, $3, $4, 'USD')"), id, parent, type, name)
                try business.wallets.open(id, currency: "USD", on: connection)
                if credit > .zero, id != shop.root { try business.wallets.topUp(id, credit, by: shop.staff, on: connection) }
            }
        }
        return shop
    }

    func close() { database.stop() }

    /// The definitions of this build, and those of upstream orders where the build has none: the rules name these kinds whoever handles them.
    private static func catalog() throws -> Catalog {
        let known = Set(EmbeddedDefinitions.jobs.map(\.file))
        let orders = ["plan.order", "plan.order_extension"].filter { !known.contains($0 + ".json") }.map { kind in
            (
                file: kind + ".json",
                text: """
                {"kind": "\(kind)", "summary": "Stands for the definition of \(kind).", "handler": "StandInJob", "style": "leased", "queue": "purchase",
                 "maxAttempts": 3, "timeout": "30s", "retention": "1d", "payload": {"type": "object"}, "example": {}}
                """
            )
        }
        return try Catalog(jobs: EmbeddedDefinitions.jobs + orders, queues: EmbeddedDefinitions.queues)
    }

    /// Runs the body in a transaction of its own, once: a deadlock is an error here and not tried again, because the rules must not make any.
    @discardableResult
    func act<R: Sendable>(_ body: @escaping @Sendable (Connection, Business) throws -> R) async throws -> R {
        let business = business
        return try await database.run { connection in try connection.transaction { try body($0, business) } }
    }

    var staff: Caller { Caller(accountID: root, role: .superAdmin, permissions: Permission.all(of: .superAdmin)) }

    func reseller(_ id: Identifier) -> Caller { Caller(accountID: id, role: .reseller, permissions: Permission.all(of: .reseller)) }

    func wallet(_ id: Identifier) async throws -> Wallet {
        try await act { try $1.wallets.read(id, on: $0) }
    }

    func count(_ sql: String) async throws -> Int {
        try await act { connection, _ in try connection.run(.once(sql)).only()(0) }
    }

    @discardableResult
    func product(_ draft: ProductDraft) async throws -> Product {
        let staff = staff
        return try await act { try $1.products.create(draft, by: staff, on: $0) }
    }

    /// 1.40 a gigabyte, 1.20 from 100 on.
    static let residential = ProductDraft(
        code: "residential", name: "Residential", proxyType: .residential,
        pricing: .perGB(Pricing.UnitPrices(unitPrice: dollars("1.40"), tiers: [Pricing.Tier(from: 100, unitPrice: dollars("1.20"))])),
        countries: ["DE", "US"])

    /// 1.80 a month or 18.00 a year for each address, 50 GB a month included.
    static let datacenter = ProductDraft(
        code: "datacenter", name: "Datacenter", proxyType: .datacenter,
        pricing: .perPeriod(Pricing.PeriodPrices(month: dollars("1.80"), year: dollars("18.00"))), includedBytes: 50_000_000_000, stock: 10)
}

/// An amount written in a test.
func dollars(_ text: String) -> Money {
    guard let money = Money(text) else { preconditionFailure("\(text) is an amount") }
    return money
}
