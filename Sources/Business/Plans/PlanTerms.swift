internal import Postgres

/// What a purchase or an extension gives, by its price check and its product: volume and time.
struct PlanTerms: Hashable {
    let family: Product.Family
    let price: Money
    /// What was ordered: gigabytes, units, or of a `perPeriod` product how many (of an extension, how many periods).
    let quantity: Int
    /// What an extension adds to the plan's quantity.
    let addedQuantity: Int
    /// Bytes of quota; nil: the product has no volume limit.
    let quotaBytes: Int64?
    /// Calendar months; 0 where the product's validity counts.
    let months: Int
    /// Days where there are no months.
    let days: Int

    /// A gigabyte is 10⁹ bytes.
    ///
    /// Included bytes are given once with what is bought, and of a `perPeriod` product for each month.
    init(_ row: Row) throws {
        family = try row("family")
        price = try row("price")
        let quantity: Int = try row("quantity")
        let includedBytes: Int64? = try row("included_bytes")
        let validityDays: Int = try row("validity_days")
        let period: Period? = try row("period")
        let purpose: PriceCheck.Purpose = try row("purpose")
        self.quantity = quantity
        if let period {
            let months = period.months * (purpose == .extension ? quantity : 1)
            self.months = months
            days = 0
            addedQuantity = 0
            quotaBytes = includedBytes.map { $0 * Int64(months) }
        } else {
            months = 0
            days = validityDays
            addedQuantity = quantity
            let isByVolume: Bool = try row("by_volume")
            quotaBytes = isByVolume ? Int64(quantity) * Pricing.bytesPerGB + (includedBytes ?? 0) : includedBytes
        }
    }
}
