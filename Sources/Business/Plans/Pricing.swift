/// A product's price rule.
///
/// As JSON: `{"model": "perGB", "unitPrice": "1.40", "tiers": [{"from": 100, "unitPrice": "1.20"}]}`, `{"model": "perUnit", "unitPrice": "0.05"}` (tiers
/// too), `{"model": "perPeriod", "month": "10.00", "year": "100.00"}` (either may be missing: then it is not sold so).
///
/// Tiers are volume prices: from that many on the *whole* quantity costs the tier's price. A gigabyte is 10⁹ bytes.
package enum Pricing: Sendable, Hashable {
    case perGB(UnitPrices)
    case perUnit(UnitPrices)
    case perPeriod(PeriodPrices)

    package struct UnitPrices: Sendable, Hashable {
        package var unitPrice: Money
        /// Ascending by `from`.
        package var tiers: [Tier]

        package init(unitPrice: Money, tiers: [Tier] = []) {
            self.unitPrice = unitPrice
            self.tiers = tiers
        }

        /// The tier that a quantity reaches; nil below the first.
        package func tier(for quantity: Int) -> Tier? { tiers.last { $0.from <= quantity } }
    }

    package struct Tier: Sendable, Hashable, Codable {
        package var from: Int
        package var unitPrice: Money

        package init(from: Int, unitPrice: Money) {
            self.from = from
            self.unitPrice = unitPrice
        }
    }

    package struct PeriodPrices: Sendable, Hashable {
        package var month: Money?
        package var year: Money?

        package init(month: Money? = nil, year: Money? = nil) {
            self.month = month
            self.year = year
        }

        package subscript(period: Period) -> Money? {
            switch period {
            case .month: month
            case .year: year
            }
        }
    }

    package static let bytesPerGB: Int64 = 1_000_000_000

    /// The rule's name in JSON.
    package var model: String {
        switch self {
        case .perGB: "perGB"
        case .perUnit: "perUnit"
        case .perPeriod: "perPeriod"
        }
    }
}
