package import Bytes
package import Clocks
package import JSON
internal import Postgres

/// A named set of permissions that accounts below its owner can be limited to.
package struct PermissionGroup: Sendable {
    package var id: Identifier
    /// The account that owns the group; it and those above it may change it.
    package var accountID: Identifier
    package var name: String
    package var permissions: Set<Permission>
    /// How many accounts have it.
    package var accountCount: Int
    package var createdAt: Instant
    package var updatedAt: Instant

    init(_ row: Row) throws {
        id = try row("id")
        accountID = try row("account_id")
        name = try row("name")
        permissions = try Permission.known(row("permissions"))
        accountCount = try row("account_count")
        createdAt = try row("created_at")
        updatedAt = try row("updated_at")
    }

    /// As the API shows it.
    package var json: JSONValue {
        [
            "id": .string(id.text("group")), "accountId": .string(accountID.text("acct")), "name": .string(name), "permissions": permissions.json,
            "accounts": .int(Int64(accountCount)), "createdAt": .string(createdAt.text), "updatedAt": .string(updatedAt.text),
        ]
    }
}
