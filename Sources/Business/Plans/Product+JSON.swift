internal import Bytes
internal import Clocks
package import JSON

extension Product {
    /// As every account sees it, with its own price; where it comes from is the operator's business.
    package var json: JSONValue {
        get throws { .object(try publicObject()) }
    }

    /// As the operator's staff see it.
    package var staffJSON: JSONValue {
        get throws {
            var object = try publicObject()
            object["listPricing"] = try JSONValue(encoding: listPricing)
            object["provider"] = [
                "id": .string(providerID.text("prov")), "name": .string(providerName), "driver": .string(driver.rawValue),
                "active": .bool(providerActive),
            ]
            object["providerProduct"] = providerProduct.map(JSONValue.string)
            return .object(object)
        }
    }

    private func publicObject() throws -> JSONObject {
        var object: JSONObject = [
            "id": .string(id.text("prod")), "code": .string(code), "name": .string(name), "family": .string(family.rawValue),
        ]
        object["proxyType"] = proxyType.map { .string($0.rawValue) }
        object["currency"] = .string(currency)
        object["pricing"] = try JSONValue(encoding: pricing)
        object["includedBytes"] = includedBytes.map(JSONValue.int)
        object["limits"] = limits
        object["features"] = features
        object["countries"] = .array(countries.map(JSONValue.string))
        object["stock"] = stock.map { .int(Int64($0)) }
        object["inStock"] = .bool(stock.map { $0 >= minimumQuantity } ?? true)
        object["minimumQuantity"] = .int(Int64(minimumQuantity))
        object["maximumQuantity"] = .int(Int64(maximumQuantity))
        object["validityDays"] = .int(Int64(validityDays))
        object["active"] = .bool(active)
        object["updatedAt"] = .string(updatedAt.text)
        return object
    }
}
