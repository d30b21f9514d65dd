package import Bytes
package import Clocks
internal import JSON
internal import Postgres

/// A price that was shown: good for some minutes and for one purchase.
package struct PriceCheck: Sendable, Hashable {
    package enum Purpose: String, Sendable, Codable, CaseIterable, PostgresEncodable, PostgresDecodable {
        case purchase, `extension`
    }

    package var id: Identifier
    /// Who buys: it pays and gets the plan.
    package var accountID: Identifier
    package var purpose: Purpose
    package var productID: Identifier
    package var planID: Identifier?
    package var quantity: Int
    package var period: Period?
    package var options: PlanOptions
    package var currency: String
    package var price: Money
    package var parts: [PricePart]
    package var createdAt: Instant
    package var expiresAt: Instant
    package var usedAt: Instant?

    init(_ row: Row) throws {
        id = try row("id")
        accountID = try row("account_id")
        purpose = try row("purpose")
        productID = try row("product_id")
        planID = try row("plan_id")
        quantity = try row("quantity")
        period = try row("period")
        let options: JSONValue = try row("options")
        self.options = try PlanOptions(checking: options)
        currency = try row("currency")
        price = try row("price")
        let parts: JSONValue = try row("parts")
        self.parts = try parts.decode([PricePart].self)
        createdAt = try row("created_at")
        expiresAt = try row("expires_at")
        usedAt = try row("used_at")
    }

    init(
        account accountID: Identifier, purpose: Purpose, product: Product, plan planID: Identifier?, quantity: Int, period: Period?,
        options: PlanOptions, parts: [PricePart], now: Instant, lifetime: Duration
    ) {
        id = .next()
        self.accountID = accountID
        self.purpose = purpose
        productID = product.id
        self.planID = planID
        self.quantity = quantity
        self.period = period
        self.options = options
        currency = product.currency
        price = parts.reduce(.zero) { $0 + $1.amount }
        self.parts = parts
        createdAt = now
        expiresAt = now + lifetime
    }
}
