internal import Bytes
internal import Clocks
package import JSON

extension Plan {
    /// As the API and webhooks show it; no password, ever.
    package var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id.text("plan")), "accountId": .string(accountID.text("acct")),
            "product": ["id": .string(productID.text("prod")), "code": .string(productCode), "name": .string(productName)],
            "status": .string(status.rawValue), "quantity": .int(Int64(quantity)),
        ]
        object["period"] = period.map { .string($0.rawValue) }
        object["username"] = username.map(JSONValue.string)
        object["host"] = host.map(JSONValue.string)
        object["httpPort"] = httpPort.map { .int(Int64($0)) }
        object["socksPort"] = socksPort.map { .int(Int64($0)) }
        object["quotaBytes"] = quotaBytes.map(JSONValue.int)
        object["usedBytes"] = .int(usedBytes)
        object["remainingBytes"] = quotaBytes.map { .int(max(0, $0 - usedBytes)) }
        object["price"] = .string(price.description)
        object["currency"] = .string(currency)
        object["customerReference"] = customerReference.map(JSONValue.string)
        object["group"] = groupName.map(JSONValue.string)
        object["allowedIps"] = .array(allowedIPs.map(JSONValue.string))
        object["options"] = options.json
        object["startsAt"] = startsAt.map { .string($0.text) }
        object["expiresAt"] = expiresAt.map { .string($0.text) }
        object["cancelledAt"] = cancelledAt.map { .string($0.text) }
        object["cancelReason"] = cancelReason.map(JSONValue.string)
        object["jobId"] = jobID.map { .string($0.text("job")) }
        object["createdAt"] = .string(createdAt.text)
        object["updatedAt"] = .string(updatedAt.text)
        return .object(object)
    }
}
