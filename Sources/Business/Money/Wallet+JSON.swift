internal import Bytes
internal import Clocks
package import JSON

extension Wallet {
    /// As the API and webhooks show it; amounts are decimal strings.
    package var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id.text("wallet")), "accountId": .string(accountID.text("acct")), "currency": .string(currency),
            "balance": .string(balance.description), "held": .string(held.description), "available": .string(available.description),
            "creditLimit": .string(creditLimit.description),
        ]
        object["lowBalance"] = lowBalance.map { .string($0.description) }
        object["lowSince"] = lowSince.map { .string($0.text) }
        return .object(object)
    }
}
