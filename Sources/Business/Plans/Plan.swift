package import Bytes
package import Clocks
internal import JSON
internal import Postgres

/// One bought instance of a product.
///
/// Its password is not in here: `Plans.credentials` opens it, and the audit log says for whom.
package struct Plan: Sendable, Hashable {
    package var id: Identifier
    package var accountID: Identifier
    package var productID: Identifier
    package var productCode: String
    package var productName: String
    package var providerID: Identifier
    package var driver: Product.Driver
    package var status: PlanStatus
    package var quantity: Int
    package var period: Period?
    package var username: String?
    package var host: String?
    package var httpPort: Int?
    package var socksPort: Int?
    /// Bytes that may be used in all; nil: no limit.
    package var quotaBytes: Int64?
    package var usedBytes: Int64
    /// What the purchase cost, without extensions.
    package var price: Money
    package var currency: String
    /// The upstream's id of it.
    package var providerReference: String?
    package var customerReference: String?
    package var groupName: String?
    /// From where it may be used; empty: from anywhere.
    package var allowedIPs: [String]
    package var options: PlanOptions
    package var startsAt: Instant?
    package var expiresAt: Instant?
    package var cancelledAt: Instant?
    package var cancelReason: String?
    package var holdID: Identifier?
    package var orderedAt: Instant?
    package var jobID: Identifier?
    package var createdAt: Instant
    package var updatedAt: Instant

    init(_ row: Row) throws {
        id = try row("id")
        accountID = try row("account_id")
        productID = try row("product_id")
        productCode = try row("product_code")
        productName = try row("product_name")
        providerID = try row("provider_id")
        driver = try row("driver")
        status = try row("status")
        quantity = try row("quantity")
        period = try row("period")
        username = try row("username")
        host = try row("host")
        httpPort = try row("http_port")
        socksPort = try row("socks_port")
        quotaBytes = try row("quota_bytes")
        usedBytes = try row("used_bytes")
        price = try row("price")
        currency = try row("currency")
        providerReference = try row("provider_reference")
        customerReference = try row("customer_reference")
        groupName = try row("group_name")
        allowedIPs = AddressRange.texts(try row("allowed_ips"))
        let options: JSONValue = try row("options")
        self.options = try PlanOptions(checking: options)
        startsAt = try row("starts_at")
        expiresAt = try row("expires_at")
        cancelledAt = try row("cancelled_at")
        cancelReason = try row("cancel_reason")
        holdID = try row("hold_id")
        orderedAt = try row("ordered_at")
        jobID = try row("job_id")
        createdAt = try row("created_at")
        updatedAt = try row("updated_at")
    }

    /// - Throws: `BusinessError` `plan_not_extendable`.
    func requireExtendable() throws(BusinessError) {
        switch status {
        case .active, .suspended, .expired: return
        case .pending, .cancelled:
            throw BusinessError(.conflict, "plan_not_extendable", "A \(status.rawValue) plan cannot be extended.", field: "/planId")
        }
    }
}
