internal import Bytes
internal import Clocks
package import JSON

extension WalletEntry {
    /// As the API shows it; a charge has a negative amount.
    package var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id.text("entry")), "accountId": .string(accountID.text("acct")), "walletId": .string(walletID.text("wallet")),
            "number": .int(number), "type": .string(type.rawValue), "amount": .string(amount.description),
            "balanceAfter": .string(balanceAfter.description), "currency": .string(currency), "createdAt": .string(createdAt.text),
        ]
        object["reference"] = reference?.json
        object["note"] = note.map(JSONValue.string)
        object["actorId"] = actorID.map { .string($0.text("user")) }
        object["jobId"] = jobID.map { .string($0.text("job")) }
        return .object(object)
    }
}

extension WalletEntry.Reference {
    package var json: JSONValue { ["type": .string(type), "id": .string(id.text(IdentifierPrefix.of(resource: type)))] }
}
