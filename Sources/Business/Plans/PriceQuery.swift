package import Bytes

/// What somebody wants to know the price of.
package enum PriceQuery {
    /// A new plan.
    package struct Purchase: Sendable, Hashable {
        package var productCode: String
        /// Gigabytes, units, or how many of a `perPeriod` product.
        package var quantity: Int
        package var period: Period?
        package var options: PlanOptions

        package init(_ productCode: String, quantity: Int, period: Period? = nil, options: PlanOptions = PlanOptions()) {
            self.productCode = productCode
            self.quantity = quantity
            self.period = period
            self.options = options
        }
    }

    /// More of a plan.
    package struct Extension: Sendable, Hashable {
        package var planID: Identifier
        /// Gigabytes or units to add; of a `perPeriod` plan how many periods, each at the price of all that the plan has.
        package var quantity: Int
        /// Nil: the plan's own.
        package var period: Period?

        package init(_ planID: Identifier, quantity: Int, period: Period? = nil) {
            self.planID = planID
            self.quantity = quantity
            self.period = period
        }
    }
}
