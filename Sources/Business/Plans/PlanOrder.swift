package import Bytes
package import Clocks
internal import JSON
internal import Postgres

/// What a provider's driver must know to order a plan, and to find an order again whose answer was lost.
package struct PlanOrder: Sendable, Hashable {
    package var planID: Identifier
    package var accountID: Identifier
    package var providerID: Identifier
    package var status: PlanStatus
    /// The upstream's code of the product; ours where it has none of its own.
    package var product: String
    package var quantity: Int
    package var period: Period?
    /// What our customer pays for it.
    package var price: Money
    package var currency: String
    package var options: PlanOptions
    package var providerReference: String?
    package var orderedAt: Instant?

    init(_ row: Row) throws {
        planID = try row("id")
        accountID = try row("account_id")
        providerID = try row("provider_id")
        status = try row("status")
        let own: String = try row("product_code")
        let upstream: String? = try row("provider_product")
        product = upstream ?? own
        quantity = try row("quantity")
        period = try row("period")
        price = try row("price")
        currency = try row("currency")
        let options: JSONValue = try row("options")
        self.options = try PlanOptions(checking: options)
        providerReference = try row("provider_reference")
        orderedAt = try row("ordered_at")
    }
}
