package import Bytes
package import Clocks
package import JSON
internal import Postgres

/// What can be bought.
package struct Product: Sendable, Hashable {
    package enum Family: String, Sendable, Codable, CaseIterable, PostgresEncodable, PostgresDecodable {
        case proxy, access, credits
    }

    package enum ProxyType: String, Sendable, Codable, CaseIterable, PostgresEncodable, PostgresDecodable {
        case residential
        case residentialLite = "residential-lite"
        case datacenter, ipv6, isp, mobile
    }

    package enum Driver: String, Sendable, Codable, CaseIterable, PostgresEncodable, PostgresDecodable {
        /// Provisioned here.
        case native
        /// Bought from another platform over its reseller API.
        case resellerAPI = "reseller-api"
    }

    package var id: Identifier
    package var code: String
    package var name: String
    package var family: Family
    package var proxyType: ProxyType?
    package var providerID: Identifier
    package var providerName: String
    package var driver: Driver
    package var providerActive: Bool
    /// The upstream's code of it.
    package var providerProduct: String?
    package var currency: String
    /// The product's own price rule.
    package var listPricing: Pricing
    /// The price rule of the account that asked.
    package var pricing: Pricing
    /// Of a `perPeriod` product the bytes of each month; else bytes on top of what is bought.
    package var includedBytes: Int64?
    package var limits: JSONValue
    package var features: JSONValue
    /// ISO 3166 codes among which a buyer may choose; empty: there is no choice.
    package var countries: [String]
    /// How many can still be sold; nil: without end.
    package var stock: Int?
    package var minimumQuantity: Int
    package var maximumQuantity: Int
    package var validityDays: Int
    package var active: Bool
    package var createdAt: Instant
    package var updatedAt: Instant

    init(_ row: Row) throws {
        id = try row("id")
        code = try row("code")
        name = try row("name")
        family = try row("family")
        proxyType = try row("proxy_type")
        providerID = try row("provider_id")
        providerName = try row("provider_name")
        driver = try row("driver")
        providerActive = try row("provider_active")
        providerProduct = try row("provider_product")
        currency = try row("currency")
        let rule: JSONValue = try row("pricing")
        let list = try rule.decode(Pricing.self)
        let override: JSONValue? = try row("override")
        listPricing = list
        pricing = try override.map { try PriceOverride(checking: $0).applied(to: list) } ?? list
        includedBytes = try row("included_bytes")
        limits = try row("limits")
        features = try row("features")
        countries = try row("countries")
        stock = try row("stock")
        minimumQuantity = try row("minimum_quantity")
        maximumQuantity = try row("maximum_quantity")
        validityDays = try row("validity_days")
        active = try row("active")
        createdAt = try row("created_at")
        updatedAt = try row("updated_at")
    }
}
