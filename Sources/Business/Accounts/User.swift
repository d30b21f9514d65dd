package import Bytes
package import Clocks
internal import Postgres

/// A person who logs in, tied to one account.
package struct User: Sendable {
    package var id: Identifier
    package var accountID: Identifier
    package var accountName: String
    package var username: String
    package var name: String
    package var email: String?
    package var role: Role
    /// Where this user may log in from, besides what the accounts above say; empty: anywhere.
    package var allowedIPs: [String]
    package var isActive: Bool
    package var lastLoginAt: Instant?
    package var createdAt: Instant
    package var updatedAt: Instant

    init(_ row: Row) throws {
        id = try row("id")
        accountID = try row("account_id")
        accountName = try row("account_name")
        username = try row("username")
        name = try row("name")
        email = try row("email")
        role = try Role(column: "role", of: row)
        allowedIPs = try AddressRange.texts(row("allowed_ips"))
        isActive = try row("active")
        lastLoginAt = try row("last_login_at")
        createdAt = try row("created_at")
        updatedAt = try row("updated_at")
    }
}
