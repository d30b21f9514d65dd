internal import Bytes
package import Clocks
internal import Crypto
package import Postgres

/// The door of every request: who is it, may they still come in, and with which rights.
///
/// One statement per request. It reads the session or key together with the user, the standing of the account and all its ancestors, and the permission groups
/// among them, so a deactivation, a revocation or a change of rights anywhere above counts from the next request on; nothing is cached. Secrets are looked
/// up by their SHA-256, which tells nothing by its timing. `last_seen_at` and `last_used_at` are moved at most once a minute, by a second statement that waits
/// for nobody.
extension Business {
    /// The caller behind a credential.
    ///
    /// - Throws: `invalid_credentials`, `session_expired`, `session_revoked`, `api_key_revoked`, `api_key_expired` (401); `account_deactivated`,
    ///   `address_not_allowed` (403).
    package func authenticate(
        _ credential: Credential, from origin: Origin, on connection: Connection, now: Instant = .now
    ) throws -> Caller {
        switch credential {
        case .cookie(let token):
            let rows = try connection.run(SQL.Sessions.byCookie, Token.digest(token.reveal), origin.ip)
            return try admitSession(rows.first, from: origin, on: connection, now: now)
        case .token(let token):
            let rows = try connection.run(SQL.Sessions.byToken, token.sessionID, origin.ip, token.userID)
            return try admitSession(rows.first, from: origin, on: connection, now: now)
        case .apiKey(let key):
            let (caller, isStale) = try identify(key, from: origin, on: connection, now: now)
            if isStale { try connection.run(SQL.ApiKeys.touch, caller.apiKeyID, now, now - Sessions.seenEvery) }
            return caller
        }
    }

    /// The caller behind an API key, and whether its `last_used_at` is due; changes nothing.
    func identify(_ key: Secret<String>, from origin: Origin, on connection: Connection, now: Instant) throws -> (caller: Caller, isStale: Bool) {
        guard let row = try connection.run(SQL.ApiKeys.byHash, Token.digest(key.reveal), origin.ip).first else {
            throw BusinessError.invalidCredentials
        }
        try checkKey(row, now: now)
        guard try row("active") else { throw BusinessError.accountDeactivated }
        guard try row("key_address_allowed") else { throw BusinessError.addressNotAllowed }
        let lastUsedAt: Instant? = try row("last_used_at")
        let isStale = lastUsedAt.map { now - $0 >= Sessions.seenEvery } ?? true
        return try (caller(row, actor: row("user_id"), session: nil, key: row("api_key_id"), from: origin), isStale)
    }

    private func admitSession(_ row: Row?, from origin: Origin, on connection: Connection, now: Instant) throws -> Caller {
        guard let row else { throw BusinessError.invalidCredentials }
        let expiresAt: Instant = try row("expires_at")
        let isRevoked: Bool = try row("revoked")
        if isRevoked { throw BusinessError.sessionRevoked }
        if expiresAt <= now { throw BusinessError.sessionExpired }
        let keyID: Identifier? = try row("api_key_id")
        if keyID != nil { try checkKey(row, now: now) }
        guard try row("active"), try row("actor_active") else { throw BusinessError.accountDeactivated }
        if keyID != nil, try !row("key_address_allowed") { throw BusinessError.addressNotAllowed }
        let id: Identifier = try row("session_id")
        if try now - row("last_seen_at") >= Sessions.seenEvery {
            let kind = try SessionKind(column: "kind", of: row)
            let extended = try kind == .token ? expiresAt : sessions.expiry(createdAt: row("created_at"), now: now)
            try connection.run(SQL.Sessions.touch, id, now, now - Sessions.seenEvery, max(extended, expiresAt))
        }
        return try caller(row, actor: row("actor_id"), session: id, key: keyID, from: origin)
    }

    private func checkKey(_ row: Row, now: Instant) throws {
        guard try row("key_active") else { throw BusinessError.apiKeyRevoked }
        let expiresAt: Instant? = try row("key_expires_at")
        if let expiresAt, expiresAt <= now { throw BusinessError.apiKeyExpired }
    }

    private func caller(_ row: Row, actor: Identifier, session: Identifier?, key: Identifier?, from origin: Origin) throws -> Caller {
        let role = try Role(column: "role", of: row)
        return Caller(
            accountID: try row("account_id"), role: role,
            permissions: try Rights.effective(role: role, groupTexts: row("groups"), keyNames: row("key_permissions")), actorID: actor,
            subjectID: try row("user_id"), sessionID: session, apiKeyID: key, ip: origin.ip, userAgent: origin.userAgent,
            requestID: origin.requestID)
    }
}
