internal import JSON

extension Pricing: Codable {
    private enum Key: String, CodingKey, CaseIterable {
        case model, unitPrice, tiers, month, year
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(String.self, forKey: .model) {
        case "perGB": self = .perGB(try Self.unitPrices(container))
        case "perUnit": self = .perUnit(try Self.unitPrices(container))
        case "perPeriod":
            self = .perPeriod(
                PeriodPrices(
                    month: try container.decodeIfPresent(Money.self, forKey: .month), year: try container.decodeIfPresent(Money.self, forKey: .year)))
        default: throw DecodingError.dataCorruptedError(forKey: .model, in: container, debugDescription: "is one of perGB, perUnit, perPeriod")
        }
    }

    private static func unitPrices(_ container: KeyedDecodingContainer<Key>) throws -> UnitPrices {
        UnitPrices(
            unitPrice: try container.decode(Money.self, forKey: .unitPrice), tiers: try container.decodeIfPresent([Tier].self, forKey: .tiers) ?? [])
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(model, forKey: .model)
        switch self {
        case .perGB(let prices), .perUnit(let prices):
            try container.encode(prices.unitPrice, forKey: .unitPrice)
            if !prices.tiers.isEmpty { try container.encode(prices.tiers, forKey: .tiers) }
        case .perPeriod(let prices):
            try container.encodeIfPresent(prices.month, forKey: .month)
            try container.encodeIfPresent(prices.year, forKey: .year)
        }
    }
}
