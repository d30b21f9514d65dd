package import Bytes
package import Clocks
internal import Crypto
package import Postgres

extension Users {
    /// Changes a user of the caller's subtree; in the caller's transaction.
    ///
    /// Everybody may change their own name, e-mail address and allowed addresses (not by API key). Deactivating revokes the user's sessions and stops its API keys
    /// at once.
    ///
    /// - Throws: `not_found`, `permission_denied`, `own_user` (role, activity), `role_mismatch`, `exceeds_own_rights`, `last_super_admin`, `invalid_…`.
    @discardableResult
    package func edit(
        _ id: Identifier, _ changes: UserChanges, by caller: Caller, on connection: Connection, now: Instant = .now
    ) throws -> User {
        // Before the user's own row, so that two super admins who deactivate each other wait for each other and do not deadlock.
        let superAdmins = caller.role.isStaff && (changes.role != nil || changes.isActive == false) ? try lockSuperAdmins(on: connection) : []
        let (old, type) = try lock(id, by: caller, on: connection)
        let isOwn = id == caller.subjectID
        if isOwn { try caller.requirePasswordLogin() } else { try caller.require(.usersEdit) }
        if isOwn, changes.isActive == false || (changes.role.map { $0 != old.role } ?? false) {
            throw BusinessError(.forbidden, "own_user", "Your own role and activity are changed by somebody else.")
        }
        try requireWithinOwnRights(old.role, account: old.accountID, by: caller, on: connection)
        var role = old.role
        if let wanted = changes.role, wanted != old.role {
            role = try self.role(wanted, for: type, field: "/role")
            try requireWithinOwnRights(role, account: old.accountID, by: caller, on: connection)
        }
        let isActive = changes.isActive ?? old.isActive
        if old.role == .superAdmin, old.isActive, role != .superAdmin || !isActive, !superAdmins.contains(where: { $0 != id }) {
            throw BusinessError(.conflict, "last_super_admin", "This is the last active super admin; make another one first.")
        }
        try connection.run(
            SQL.Users.update, id, changes.name.map { text throws(BusinessError) in text.isEmpty ? "" : try FieldText.name(text) } ?? old.name,
            FieldText.email(changes.email.applied(to: old.email)), role.rawValue,
            changes.allowedIPs.map { texts throws(BusinessError) in try AddressRange.list(texts).map(\.cidr) }, isActive, now)
        if old.isActive, !isActive { try connection.run(SQL.Sessions.revokeUser, id, nil as Identifier?, now) }
        let user = try found(id, by: caller, on: connection)
        let difference = Difference(old.json, user.json)
        guard !difference.isEmpty else { return user }
        var action = "user.edit"
        if user.isActive != old.isActive { action = user.isActive ? "user.activate" : "user.deactivate" }
        try business.audit.write(
            action: action, resource: ("user", id), account: user.accountID, by: caller, before: difference.before, after: difference.after,
            on: connection)
        return user
    }

    /// Gives another user a new password and ends all their sessions; in the caller's transaction.
    ///
    /// - Throws: `not_found`, `permission_denied`, `exceeds_own_rights`; `own_user` for oneself, which takes the current password.
    package func resetPassword(
        of id: Identifier, to password: PasswordHash, by caller: Caller, on connection: Connection, now: Instant = .now
    ) throws {
        let (user, _) = try lock(id, by: caller, on: connection)
        guard id != caller.subjectID else {
            throw BusinessError(.forbidden, "own_user", "Change your own password with the current one.")
        }
        try caller.require(.usersEdit)
        try requireWithinOwnRights(user.role, account: user.accountID, by: caller, on: connection)
        try connection.run(SQL.Users.setPassword, id, password.text.reveal, now)
        try connection.run(SQL.Sessions.revokeUser, id, nil as Identifier?, now)
        try business.audit.write(action: "user.reset_password", resource: ("user", id), account: user.accountID, by: caller, on: connection)
    }

    /// Changes the caller's own password, after the current one was verified, and ends their other sessions; in the caller's transaction.
    ///
    /// - Throws: `invalid_credentials` when the verified login is another user's or the password has changed meanwhile; `password_login_required`.
    package func changePassword(
        _ verified: VerifiedLogin, to password: PasswordHash, by caller: Caller, on connection: Connection, now: Instant = .now
    ) throws {
        try caller.requirePasswordLogin()
        guard verified.userID == caller.subjectID, caller.actorID == caller.subjectID else { throw BusinessError.invalidCredentials }
        let changed = try connection.run(SQL.Users.replacePassword, verified.userID, verified.hash.reveal, password.text.reveal, now)
        guard changed.affected == 1 else { throw BusinessError.invalidCredentials }
        try connection.run(SQL.Sessions.revokeUser, verified.userID, caller.sessionID, now)
        try business.audit.write(
            action: "user.change_password", resource: ("user", verified.userID), account: caller.accountID, by: caller, on: connection)
    }

    private func lock(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> (user: User, type: AccountType) {
        guard let row = try connection.run(SQL.Users.lock, caller.accountID, id).first else { throw BusinessError.notFound("user") }
        return try (found(id, by: caller, on: connection), AccountType(column: "type", of: row))
    }

    private func lockSuperAdmins(on connection: Connection) throws -> [Identifier] {
        try connection.run(SQL.Users.lockSuperAdmins).map { try $0("id") }
    }
}

extension Caller {
    /// Refuses an API key, and a session opened with one: who has found a key must not be able to turn it into more than the key.
    func requirePasswordLogin() throws(BusinessError) {
        guard apiKeyID == nil else {
            throw BusinessError(.forbidden, "password_login_required", "An API key cannot do this; log in with a password.")
        }
    }
}
