package import Bytes
package import Clocks
internal import Crypto
package import Postgres

/// The API keys of users, five at most each.
///
/// A key is 32 random bytes in letters and digits, shown once; we keep its SHA-256. Its rights are its own list ∩ what its user has at the time of the request.
/// Only a login with a password makes or changes keys: a key that leaked must not be able to outlive itself through a second one. Everybody sees
/// and ends their own keys; with `users.view` and `users.edit` also those of users of the subtree.
package struct APIKeys: Sendable {
    let business: Business

    /// How many bytes of randomness a key has.
    private static let bytes = 32
    private static let prefixLength = APIKey.marker.utf8.count + 8
}

extension Business {
    package var apiKeys: APIKeys { APIKeys(business: self) }
}

extension APIKeys {
    /// Makes a key for the caller; in the caller's transaction.
    ///
    /// The user's row is locked, so two requests that each make the last key allowed cannot both succeed.
    ///
    /// - Throws: `permission_denied`, `password_login_required`, `exceeds_own_rights`, `too_many_api_keys`, `invalid_…`.
    package func create(_ new: NewAPIKey, by caller: Caller, on connection: Connection, now: Instant = .now) throws -> CreatedAPIKey {
        try caller.require(.apiKeysEdit)
        try caller.requirePasswordLogin()
        guard let user = caller.subjectID else { throw BusinessError.notFound("user") }
        let name = try FieldText.name(new.name, longest: 100)
        let ranges = try AddressRange.list(new.allowedIPs)
        try requireFuture(new.expiresAt, now: now)
        if let beyond = new.permissions?.subtracting(caller.permissions), !beyond.isEmpty {
            throw BusinessError(
                .forbidden, "exceeds_own_rights", "A key can hold only what you may do yourself; you lack \(beyond.names.joined(separator: ", ")).",
                field: "/permissions")
        }
        try connection.run(SQL.ApiKeys.lockOwner, user)
        let count: Int = try connection.run(SQL.ApiKeys.count, user).only()("key_count")
        let most = business.rules.apiKeysPerUser
        guard count < most else {
            throw BusinessError(.conflict, "too_many_api_keys", "A user has at most \(most) API keys; delete one first.")
        }
        let secret = Token.make(prefix: String(APIKey.marker.dropLast()), bytes: Self.bytes)
        try connection.run(
            SQL.ApiKeys.insert, new.id, user, caller.accountID, name, String(secret.reveal.prefix(Self.prefixLength)), Token.digest(secret.reveal),
            new.permissions?.names, ranges.map(\.cidr), new.expiresAt, now)
        let key = try found(new.id, by: caller, on: connection)
        try business.audit.write(
            action: "api_key.create", resource: ("api_key", key.id), account: key.accountID, by: caller, after: key.json, on: connection)
        try business.webhooks.emit(.apiKeyCreated, account: key.accountID, data: key.json, on: connection, now: now)
        return CreatedAPIKey(key: key, secret: secret)
    }

    /// The keys of a user, newest first.
    ///
    /// - Parameter user: nil for the caller's own.
    package func list(of user: Identifier? = nil, by caller: Caller, on connection: Connection) throws -> [APIKey] {
        try caller.require(.apiKeysView)
        let owner = user ?? caller.subjectID
        if owner != caller.subjectID {
            try caller.require(.usersView)
            guard !(try connection.run(SQL.Users.get, caller.accountID, owner).isEmpty) else { throw BusinessError.notFound("user") }
        }
        let none: Identifier? = nil
        return try connection.run(SQL.ApiKeys.list, caller.accountID, none, owner).map { try APIKey($0) }
    }

    /// One key of the caller's or, with `users.view`, of the subtree's.
    package func get(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> APIKey {
        try caller.require(.apiKeysView)
        let key = try found(id, by: caller, on: connection)
        guard key.userID == caller.subjectID || caller.permissions.contains(.usersView) else { throw BusinessError.notFound("API key") }
        return key
    }

    /// Changes a key; in the caller's transaction.
    ///
    /// Switched off it is refused at once, and its sessions with it.
    ///
    /// - Throws: `not_found`, `permission_denied`, `password_login_required`, `invalid_…`.
    @discardableResult
    package func edit(
        _ id: Identifier, _ changes: APIKeyChanges, by caller: Caller, on connection: Connection, now: Instant = .now
    ) throws -> APIKey {
        try caller.requirePasswordLogin()
        let old = try lock(id, by: caller, on: connection)
        if case .set(let expiry) = changes.expiresAt { try requireFuture(expiry, now: now) }
        try connection.run(
            SQL.ApiKeys.update, id, changes.name.map { text throws(BusinessError) in try FieldText.name(text, longest: 100) } ?? old.name,
            changes.isActive ?? old.isActive, changes.allowedIPs.map { texts throws(BusinessError) in try AddressRange.list(texts).map(\.cidr) },
            changes.expiresAt.applied(to: old.expiresAt))
        let key = try found(id, by: caller, on: connection)
        let difference = Difference(old.json, key.json, ignoring: ["lastUsedAt"])
        guard !difference.isEmpty else { return key }
        if old.isActive, !key.isActive { try connection.run(SQL.Sessions.revokeKey, id, now) }
        try business.audit.write(
            action: "api_key.edit", resource: ("api_key", id), account: key.accountID, by: caller, before: difference.before, after: difference.after,
            on: connection)
        return key
    }

    /// Deletes a key; in the caller's transaction.
    ///
    /// It is refused from the next request on, and its sessions end.
    ///
    /// - Throws: `not_found`, `permission_denied`.
    package func delete(_ id: Identifier, by caller: Caller, on connection: Connection, now: Instant = .now) throws {
        let key = try lock(id, by: caller, on: connection)
        try connection.run(SQL.ApiKeys.delete, id, now)
        try connection.run(SQL.Sessions.revokeKey, id, now)
        try business.audit.write(
            action: "api_key.delete", resource: ("api_key", id), account: key.accountID, by: caller, before: key.json, on: connection)
        try business.webhooks.emit(.apiKeyDeleted, account: key.accountID, data: key.json, on: connection, now: now)
    }

    private func lock(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> APIKey {
        try caller.require(.apiKeysEdit)
        guard !(try connection.run(SQL.ApiKeys.lock, caller.accountID, id).isEmpty) else { throw BusinessError.notFound("API key") }
        let key = try found(id, by: caller, on: connection)
        guard key.userID == caller.subjectID || caller.permissions.contains(.usersEdit) else { throw BusinessError.notFound("API key") }
        return key
    }

    private func found(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> APIKey {
        let none: Identifier? = nil
        guard let row = try connection.run(SQL.ApiKeys.list, caller.accountID, id, none).first else { throw BusinessError.notFound("API key") }
        return try APIKey(row)
    }

    private func requireFuture(_ expiry: Instant?, now: Instant) throws(BusinessError) {
        guard let expiry, expiry <= now else { return }
        throw BusinessError(.invalid, "invalid_expiry", "A key's expiry lies in the future.", field: "/expiresAt")
    }
}
