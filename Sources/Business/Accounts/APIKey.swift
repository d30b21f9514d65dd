package import Bytes
package import Clocks
package import Crypto
package import JSON
internal import Postgres

/// One of our API keys as it is listed: everything but the key.
package struct APIKey: Sendable {
    /// What every key begins with.
    package static let marker = "mr_live_"

    package var id: Identifier
    package var userID: Identifier
    package var accountID: Identifier
    package var username: String
    package var name: String
    /// The first characters, to tell keys apart: `mr_live_ab12cd34`.
    package var prefix: String
    /// Nil: all that its user has.
    package var permissions: Set<Permission>?
    package var allowedIPs: [String]
    package var isActive: Bool
    package var expiresAt: Instant?
    package var lastUsedAt: Instant?
    package var createdAt: Instant

    init(_ row: Row) throws {
        id = try row("id")
        userID = try row("user_id")
        accountID = try row("account_id")
        username = try row("username")
        name = try row("name")
        prefix = try row("prefix")
        let names: [String]? = try row("permissions")
        permissions = names.map(Permission.known)
        allowedIPs = try AddressRange.texts(row("allowed_ips"))
        isActive = try row("active")
        expiresAt = try row("expires_at")
        lastUsedAt = try row("last_used_at")
        createdAt = try row("created_at")
    }

    /// As the API and webhooks show it; never the key.
    package var json: JSONValue {
        [
            "id": .string(id.text("key")), "accountId": .string(accountID.text("acct")), "userId": .string(userID.text("user")),
            "username": .string(username), "name": .string(name), "prefix": .string(prefix), "permissions": permissions?.json ?? .null,
            "allowedIps": .array(allowedIPs.map(JSONValue.string)), "active": .bool(isActive),
            "expiresAt": expiresAt.map { .string($0.text) } ?? .null, "lastUsedAt": lastUsedAt.map { .string($0.text) } ?? .null,
            "createdAt": .string(createdAt.text),
        ]
    }
}

/// A key that was just made, with the key itself: shown once, stored nowhere.
package struct CreatedAPIKey: Sendable {
    package let key: APIKey
    package let secret: Secret<String>
}

/// A key to create.
package struct NewAPIKey: Sendable {
    package var id: Identifier
    package var name: String
    /// Nil: all that its user has, now and later.
    package var permissions: Set<Permission>?
    package var allowedIPs: [String] = []
    package var expiresAt: Instant?

    package init(name: String, permissions: Set<Permission>? = nil, id: Identifier = .next()) {
        self.id = id
        self.name = name
        self.permissions = permissions
    }
}

/// What an edit of a key changes; what it does not name stays.
///
/// What a key may do is for ever.
package struct APIKeyChanges: Sendable {
    package var name: String?
    package var isActive: Bool?
    package var allowedIPs: [String]?
    package var expiresAt: Change<Instant> = .keep

    package init() {}
}
