extension Pricing {
    /// What is bought, as far as the price depends on it.
    package struct Order: Sendable, Hashable {
        /// Gigabytes, units, or of a `perPeriod` product how many of it.
        package var quantity: Int
        /// Of a `perPeriod` product only.
        package var period: Period?
        /// How many periods at once: 1 but for extensions.
        package var periods: Int

        package init(quantity: Int, period: Period? = nil, periods: Int = 1) {
            self.quantity = quantity
            self.period = period
            self.periods = periods
        }
    }

    /// The lines of the price of an order.
    ///
    /// Nothing is divided here, so nothing is rounded: the sum of the lines is the price, exactly.
    ///
    /// - Throws: `BusinessError` `period_required`, `period_not_offered`, `period_not_applicable`, `price_too_large`.
    package func parts(of order: Order) throws(BusinessError) -> [PricePart] {
        switch self {
        case .perGB(let prices): return try parts(of: order, prices, unit: "GB")
        case .perUnit(let prices): return try parts(of: order, prices, unit: order.quantity == 1 ? "unit" : "units")
        case .perPeriod(let prices):
            guard let period = order.period else {
                throw BusinessError(.invalid, "period_required", "This product is sold by month or year: say which.", field: "/period")
            }
            guard let price = prices[period] else {
                throw BusinessError(.invalid, "period_not_offered", "This product is not sold by the \(period.rawValue).", field: "/period")
            }
            let (count, overflow) = order.quantity.multipliedReportingOverflow(by: order.periods)
            if overflow { throw BusinessError(.invalid, "price_too_large", "This order is too large for one purchase.", field: "/quantity") }
            let length = order.periods == 1 ? "1 \(period.rawValue)" : "\(order.periods) \(period.rawValue)s"
            return [try PricePart("\(order.quantity) × \(length)", count, at: price)]
        }
    }

    /// The whole quantity at the list price, and what the tier takes off as a line of its own.
    private func parts(of order: Order, _ prices: UnitPrices, unit: String) throws(BusinessError) -> [PricePart] {
        guard order.period == nil else {
            throw BusinessError(.invalid, "period_not_applicable", "This product is not sold by month or year.", field: "/period")
        }
        let list = try PricePart("\(order.quantity) \(unit)", order.quantity, at: prices.unitPrice)
        guard let tier = prices.tier(for: order.quantity), tier.unitPrice != prices.unitPrice else { return [list] }
        return [list, try PricePart("Volume price from \(tier.from) \(unit)", order.quantity, at: tier.unitPrice - prices.unitPrice)]
    }
}
