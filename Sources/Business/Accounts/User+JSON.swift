internal import Bytes
internal import Clocks
package import JSON

extension User {
    /// As the API shows it.
    package var json: JSONValue {
        [
            "id": .string(id.text("user")), "accountId": .string(accountID.text("acct")), "accountName": .string(accountName),
            "username": .string(username), "name": .string(name), "email": email.map(JSONValue.string) ?? .null, "role": .string(role.rawValue),
            "allowedIps": .array(allowedIPs.map(JSONValue.string)), "active": .bool(isActive),
            "lastLoginAt": lastLoginAt.map { .string($0.text) } ?? .null, "createdAt": .string(createdAt.text), "updatedAt": .string(updatedAt.text),
        ]
    }
}
