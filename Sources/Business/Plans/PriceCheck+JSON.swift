internal import Bytes
internal import Clocks
package import JSON

extension PriceCheck {
    /// As the API shows it.
    package var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id.text("check")), "purpose": .string(purpose.rawValue), "productId": .string(productID.text("prod")),
        ]
        object["planId"] = planID.map { .string($0.text("plan")) }
        object["quantity"] = .int(Int64(quantity))
        object["period"] = period.map { .string($0.rawValue) }
        object["options"] = options.json
        object["currency"] = .string(currency)
        object["price"] = .string(price.description)
        object["parts"] = .array(parts.map(\.json))
        object["expiresAt"] = .string(expiresAt.text)
        object["usedAt"] = usedAt.map { .string($0.text) }
        return .object(object)
    }
}
