internal import Bytes
internal import Clocks
package import JSON

extension Account {
    /// As the API shows it.
    package var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id.text("acct")), "type": .string(type.rawValue), "name": .string(name), "email": email.map(JSONValue.string) ?? .null,
            "phone": phone.map(JSONValue.string) ?? .null, "allowedIps": .array(allowedIPs.map(JSONValue.string)), "active": .bool(isActive),
            "reachable": .bool(isReachable), "currency": .string(currency), "balance": .string(balance.description),
            "held": .string(held.description), "users": .int(Int64(userCount)), "plans": .int(Int64(planCount)),
            "children": .int(Int64(childCount)), "createdAt": .string(createdAt.text), "updatedAt": .string(updatedAt.text),
        ]
        object["parentId"] = parentID.map { .string($0.text("acct")) }
        object["parentName"] = parentName.map(JSONValue.string)
        object["permissionGroupId"] = permissionGroupID.map { .string($0.text("group")) }
        object["permissionGroupName"] = permissionGroupName.map(JSONValue.string)
        return .object(object)
    }
}
