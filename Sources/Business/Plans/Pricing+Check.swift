package import JSON

extension Pricing {
    /// Reads a price rule that somebody wrote, and says what is wrong with it.
    ///
    /// - Parameter field: where the rule stands in the request, for the error's pointer.
    /// - Throws: `BusinessError` `invalid_pricing`.
    package init(checking json: JSONValue, field: String = "/pricing") throws(BusinessError) {
        do throws(JSONError) {
            self = try json.decode(Pricing.self)
        } catch {
            throw BusinessError(.invalid, "invalid_pricing", "The price rule \(error.message).", field: field + error.path)
        }
        if let stranger = json.object?.keys.first(where: { !fields.contains($0) }) {
            throw BusinessError(.invalid, "invalid_pricing", "A \(model) price has no such field.", field: "\(field)/\(stranger)")
        }
        switch self {
        case .perGB(let prices), .perUnit(let prices): try Self.check(prices, field)
        case .perPeriod(let prices):
            if prices.month == nil, prices.year == nil {
                throw BusinessError(.invalid, "invalid_pricing", "A perPeriod price needs month or year.", field: field)
            }
            if let month = prices.month { try Self.check(month, field + "/month") }
            if let year = prices.year { try Self.check(year, field + "/year") }
        }
    }

    private var fields: [String] {
        switch self {
        case .perGB, .perUnit: ["model", "unitPrice", "tiers"]
        case .perPeriod: ["model", "month", "year"]
        }
    }

    private static func check(_ prices: UnitPrices, _ field: String) throws(BusinessError) {
        try check(prices.unitPrice, field + "/unitPrice")
        guard prices.tiers.count <= 20 else {
            throw BusinessError(.invalid, "invalid_pricing", "There are at most 20 tiers.", field: field + "/tiers")
        }
        var last = 1
        for (index, tier) in prices.tiers.enumerated() {
            guard tier.from > last else {
                throw BusinessError(
                    .invalid, "invalid_pricing", "Tiers ascend, and the first begins above 1.", field: "\(field)/tiers/\(index)/from")
            }
            last = tier.from
            try check(tier.unitPrice, "\(field)/tiers/\(index)/unitPrice")
        }
    }

    private static func check(_ price: Money, _ field: String) throws(BusinessError) {
        guard price >= .zero, price <= largestPrice else {
            throw BusinessError(.invalid, "invalid_pricing", "A price is between 0 and \(largestPrice).", field: field)
        }
    }

    private static let largestPrice = Money(micros: 1_000_000_000_000)
}
