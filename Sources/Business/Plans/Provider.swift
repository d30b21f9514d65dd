package import Bytes
package import Clocks
package import Crypto
package import JSON
internal import Postgres

/// Where plans come from.
///
/// Its key is not in here: `Providers.access` opens it for the driver that must present it.
package struct Provider: Sendable, Hashable {
    package var id: Identifier
    package var name: String
    package var driver: Product.Driver
    package var baseURL: String?
    package var hasAPIKey: Bool
    package var onLoss: LossRule
    package var active: Bool
    package var createdAt: Instant

    init(_ row: Row) throws {
        id = try row("id")
        name = try row("name")
        driver = try row("driver")
        baseURL = try row("base_url")
        hasAPIKey = try row("has_api_key")
        onLoss = try row("on_loss")
        active = try row("active")
        createdAt = try row("created_at")
    }

    /// As the operator's staff see it.
    package var json: JSONValue {
        var object: JSONObject = ["id": .string(id.text("prov")), "name": .string(name), "driver": .string(driver.rawValue)]
        object["baseUrl"] = baseURL.map(JSONValue.string)
        object["hasApiKey"] = .bool(hasAPIKey)
        object["onLoss"] = .string(onLoss.rawValue)
        object["active"] = .bool(active)
        object["createdAt"] = .string(createdAt.text)
        return .object(object)
    }
}

/// What a driver needs to speak to an upstream.
package struct ProviderAccess: Sendable {
    package var id: Identifier
    package var name: String
    package var baseURL: String
    package var apiKey: Secret<String>
    package var onLoss: LossRule
}
