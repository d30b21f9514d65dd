package import JSON

/// A line of a price; a price is the exact sum of its parts' amounts.
package struct PricePart: Sendable, Hashable, Codable {
    package var label: String
    package var quantity: Int
    /// Negative on a line that takes off.
    package var unitPrice: Money
    /// `quantity × unitPrice`, exactly.
    package var amount: Money

    /// - Throws: `BusinessError` `price_too_large`.
    init(_ label: String, _ quantity: Int, at unitPrice: Money) throws(BusinessError) {
        guard let amount = unitPrice.times(quantity) else {
            throw BusinessError(.invalid, "price_too_large", "This order is too large for one purchase.", field: "/quantity")
        }
        self.label = label
        self.quantity = quantity
        self.unitPrice = unitPrice
        self.amount = amount
    }

    package var json: JSONValue {
        [
            "label": .string(label), "quantity": .int(Int64(quantity)), "unitPrice": .string(unitPrice.description),
            "amount": .string(amount.description),
        ]
    }
}
