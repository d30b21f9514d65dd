internal import Bytes
internal import Clocks
package import JSON

extension Order {
    /// As the operator's staff see it.
    package var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id.text("job")), "state": .string(state.rawValue), "purpose": .string(isExtension ? "extension" : "purchase"),
            "accountId": .string(accountID.text("acct")), "amount": .string(amount.description), "currency": .string(currency),
            "plan": ["id": .string(planID.text("plan")), "status": .string(planStatus.rawValue)], "product": .string(productCode),
            "provider": ["id": .string(providerID.text("prov")), "name": .string(providerName), "driver": .string(driver.rawValue)],
        ]
        object["providerReference"] = providerReference.map(JSONValue.string)
        object["quantity"] = quantity.map { .int(Int64($0)) }
        object["period"] = period.map { .string($0.rawValue) }
        object["kind"] = kind.map(JSONValue.string)
        object["attempts"] = attempts.map { .int(Int64($0)) }
        if let errorCode { object["error"] = ["code": .string(errorCode), "message": .string(error ?? "")] }
        object["createdAt"] = .string(createdAt.text)
        object["orderedAt"] = orderedAt.map { .string($0.text) }
        object["jobEndedAt"] = jobEndedAt.map { .string($0.text) }
        object["endedAt"] = endedAt.map { .string($0.text) }
        object["requests"] = .array(requests.map(\.json))
        return .object(object)
    }
}
