package import JSON

/// A price of an account's own, for itself and everybody below it unless one nearer has another.
///
/// As JSON a price rule like a product's, or `{"model": "percent", "percent": "85"}`: each of the product's prices times that, rounded to the millionth
/// half to even. Percent follows the product when its price changes; a rule does not.
package enum PriceOverride: Sendable, Hashable {
    case rule(Pricing)
    /// Hundredths of the whole: `85.5`. A percentage is no money, but it is the same exact decimal.
    case percent(Money)

    /// Reads what somebody wrote.
    ///
    /// - Throws: `BusinessError` `invalid_pricing`.
    package init(checking json: JSONValue, field: String = "/pricing") throws(BusinessError) {
        guard json["model"]?.string == "percent" else {
            self = .rule(try Pricing(checking: json, field: field))
            return
        }
        guard let percent = json["percent"]?.string.flatMap({ Money($0) }), percent >= .zero, percent <= Money(micros: 1_000_000_000) else {
            throw BusinessError(
                .invalid, "invalid_pricing", "A percentage is a decimal string between 0 and 1000.", field: field + "/percent")
        }
        self = .percent(percent)
    }

    package var json: JSONValue {
        get throws {
            switch self {
            case .rule(let pricing): try JSONValue(encoding: pricing)
            case .percent(let percent): ["model": "percent", "percent": .string(percent.description)]
            }
        }
    }

    /// The price that holds.
    package func applied(to pricing: Pricing) -> Pricing {
        switch self {
        case .rule(let own): own
        case .percent(let percent): pricing.mapPrices { $0.scaled(percent.micros, over: 100_000_000) ?? $0 }
        }
    }
}

extension Pricing {
    func mapPrices(_ change: (Money) -> Money) -> Pricing {
        switch self {
        case .perGB(let prices): .perGB(prices.mapPrices(change))
        case .perUnit(let prices): .perUnit(prices.mapPrices(change))
        case .perPeriod(let prices): .perPeriod(PeriodPrices(month: prices.month.map(change), year: prices.year.map(change)))
        }
    }
}

extension Pricing.UnitPrices {
    fileprivate func mapPrices(_ change: (Money) -> Money) -> Pricing.UnitPrices {
        Pricing.UnitPrices(unitPrice: change(unitPrice), tiers: tiers.map { Pricing.Tier(from: $0.from, unitPrice: change($0.unitPrice)) })
    }
}
