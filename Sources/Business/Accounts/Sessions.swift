internal import Bytes
package import Clocks
package import Crypto
internal import JSON
package import Postgres

/// Logins: opening, listing, ending them.
///
/// A session of a browser slides: it ends when nobody uses it for `rules.sessionLifetime`, and after thirty days in any case. One of the kind `token` ends when
/// its JWT says.
package struct Sessions: Sendable {
    let business: Business

    /// How exact `last_seen_at` and an API key's `last_used_at` are.
    static let seenEvery: Duration = .seconds(60)
    static let longest: Duration = .seconds(30 * 86_400)
}

extension Business {
    package var sessions: Sessions { Sessions(business: self) }
}

extension Sessions {
    /// Who might be logging in under a name.
    ///
    /// Outside of a transaction.
    package func candidate(username: String, on connection: Connection) throws -> LoginCandidate {
        let name = FieldText.normalized(username: username)
        // A name that cannot be one is nobody's; a NUL byte would not even reach the server.
        let row = name.utf8.contains(0) ? nil : try connection.run(SQL.Sessions.candidate, name).first
        return try candidate(row)
    }

    /// The caller themselves, to verify their current password before it is changed.
    package func candidate(self caller: Caller, on connection: Connection) throws -> LoginCandidate {
        try candidate(connection.run(SQL.Sessions.candidateByID, caller.subjectID).first)
    }

    private func candidate(_ row: Row?) throws -> LoginCandidate {
        let hash: String? = try row.map { try $0("password_hash") }
        return LoginCandidate(userID: try row.map { try $0("id") }, hash: hash.map { Secret($0) }, cost: business.rules.passwordCost)
    }

    /// Opens a session for somebody who has shown the right password; in the caller's transaction.
    ///
    /// The accounts of the chain are locked against being deactivated until we commit: a deactivation either sees this session and revokes it, or is
    /// seen by us.
    /// - Throws: `account_deactivated`, `address_not_allowed`; `invalid_credentials` when the password has changed since it was verified.
    package func open(
        _ login: VerifiedLogin, kind: SessionKind, from origin: Origin, on connection: Connection, now: Instant = .now
    ) throws -> OpenedSession {
        precondition(kind != .key, "a session of the kind key is opened with an API key")
        let standing = try standing(of: login.userID, from: origin, on: connection)
        let touched = try connection.run(
            SQL.Sessions.noteLogin, login.userID, login.hash.reveal, (login.renewed ?? login.hash).reveal, now)
        guard touched.affected == 1 else { throw BusinessError.invalidCredentials }
        return try insert(kind, standing, key: nil, from: origin, on: connection, now: now)
    }

    /// Opens a dashboard's session with an API key, with the key's rights; in the caller's transaction.
    ///
    /// It ends when the key does.
    ///
    /// - Throws: as `authenticate` with a key.
    package func open(apiKey: Secret<String>, from origin: Origin, on connection: Connection, now: Instant = .now) throws -> OpenedSession {
        let (caller, _) = try business.identify(apiKey, from: origin, on: connection, now: now)
        guard let userID = caller.subjectID, let keyID = caller.apiKeyID else { throw BusinessError.invalidCredentials }
        var standing = try standing(of: userID, from: origin, on: connection)
        // Against a key or a user that ends at this moment: whoever ends it would not see our session.
        guard !(try connection.run(SQL.ApiKeys.lockLiving, keyID, now).isEmpty) else { throw BusinessError.apiKeyRevoked }
        guard try connection.run(SQL.Sessions.noteKeyLogin, userID, now).affected == 1 else { throw BusinessError.accountDeactivated }
        standing.permissions.formIntersection(caller.permissions)
        return try insert(.key, standing, key: keyID, from: origin, on: connection, now: now)
    }

    /// Writes into the audit log that a login for an existing user failed; in a transaction of its own, since the login's was rolled back.
    package func noteFailure(_ candidate: LoginCandidate, error: BusinessError, from origin: Origin, on connection: Connection) throws {
        guard let userID = candidate.userID, let row = try connection.run(SQL.Sessions.accountOf, userID).first else { return }
        let caller = Caller(
            accountID: try row("account_id"), role: try Role(column: "role", of: row), permissions: [], ip: origin.ip, userAgent: origin.userAgent,
            requestID: origin.requestID)
        try business.audit.write(
            action: "session.refuse", resource: ("user", userID), account: caller.accountID, by: caller, metadata: ["code": .string(error.code)],
            on: connection)
    }

    /// When a session that is used now ends.
    func expiry(createdAt: Instant, now: Instant) -> Instant {
        min(now + business.rules.sessionLifetime, createdAt + Self.longest)
    }

    private struct Standing {
        var userID: Identifier
        var accountID: Identifier
        var role: Role
        var permissions: Set<Permission>
    }

    private func standing(of userID: Identifier, from origin: Origin, on connection: Connection) throws -> Standing {
        try connection.run(SQL.Sessions.lockChain, userID)
        guard let row = try connection.run(SQL.Sessions.standing, userID, origin.ip).first else { throw BusinessError.invalidCredentials }
        guard try row("active") else { throw BusinessError.accountDeactivated }
        guard try row("address_allowed") else { throw BusinessError.addressNotAllowed }
        let role = try Role(column: "role", of: row)
        return Standing(
            userID: userID, accountID: try row("account_id"), role: role,
            permissions: try Rights.effective(role: role, groupTexts: row("groups")))
    }

    private func insert(
        _ kind: SessionKind, _ standing: Standing, key: Identifier?, from origin: Origin, on connection: Connection, now: Instant
    ) throws -> OpenedSession {
        let id = Identifier.next()
        let cookie = kind == .token ? nil : Token.make(prefix: "mr_session", bytes: 32)
        let row = try connection.run(
            SQL.Sessions.insert, id, standing.userID, kind.rawValue, cookie.map { Token.digest($0.reveal) }, key, origin.ip, origin.userAgent, now,
            expiry(createdAt: now, now: now)
        ).only()
        let session = try Session(row)
        let caller = Caller(
            accountID: standing.accountID, role: standing.role, permissions: standing.permissions, actorID: standing.userID,
            subjectID: standing.userID, sessionID: id, apiKeyID: key, ip: origin.ip, userAgent: origin.userAgent, requestID: origin.requestID)
        try business.audit.write(
            action: "session.open", resource: ("session", id), account: standing.accountID, by: caller,
            metadata: ["kind": .string(kind.rawValue)], on: connection)
        return OpenedSession(session: session, caller: caller, cookie: cookie)
    }
}
