package import Bytes
package import Clocks
package import Postgres

extension Accounts {
    /// Changes an account; in the caller's transaction.
    ///
    /// Deactivating takes effect at once and for the whole subtree: every login, API key and request looks at the account and all its ancestors. The
    /// sessions below are revoked besides, so that activating it again wakes none of them.
    ///
    /// - Throws: `not_found`, `permission_denied`; `own_account` for its own group or activity; `group_not_above`; `invalid_…`.
    @discardableResult
    package func edit(
        _ id: Identifier, _ changes: AccountChanges, by caller: Caller, on connection: Connection, now: Instant = .now
    ) throws -> Account {
        guard !(try connection.run(SQL.Accounts.lock, caller.accountID, id).isEmpty) else { throw BusinessError.notFound("account") }
        let isOwn = id == caller.accountID
        try caller.require(isOwn ? .accountEdit : .resellersEdit)
        if isOwn, changes.needsAncestor {
            throw BusinessError(.forbidden, "own_account", "An account's permission group and activity are changed by the account above it.")
        }
        if case .set(let group?) = changes.permissionGroupID { try requireGroup(group, above: id, isParent: false, by: caller, on: connection) }
        let old = try found(id, by: caller, on: connection)
        let setsGroup = if case .set = changes.permissionGroupID { true } else { false }
        try connection.run(
            SQL.Accounts.update, id, changes.name.map { text throws(BusinessError) in try FieldText.name(text) } ?? old.name,
            FieldText.email(changes.email.applied(to: old.email)), FieldText.phone(changes.phone.applied(to: old.phone)),
            changes.allowedIPs.map { texts throws(BusinessError) in try AddressRange.list(texts).map(\.cidr) }, setsGroup,
            changes.permissionGroupID.applied(to: nil), changes.isActive ?? old.isActive, now)
        let account = try found(id, by: caller, on: connection)
        let difference = Difference(old.json, account.json)
        guard !difference.isEmpty || setsGroup else { return account }
        var action = "account.edit"
        if account.isActive != old.isActive { action = account.isActive ? "account.activate" : "account.deactivate" }
        if old.isActive, !account.isActive { try connection.run(SQL.Sessions.revokeSubtree, id, now) }
        try business.audit.write(
            action: action, resource: ("account", id), account: id, by: caller, before: difference.before, after: difference.after, on: connection)
        return account
    }

    /// Deletes an account as far as people see: it is archived, since what has money or history never goes away; in the caller's transaction.
    ///
    /// Its users cannot log in, its API keys are deleted, and it is in no list any more. User names stay taken.
    ///
    /// - Throws: `not_found`, `permission_denied`; `own_account`; `account_has_balance`, `account_has_plans`, `account_has_children` while such remain.
    package func delete(_ id: Identifier, by caller: Caller, on connection: Connection, now: Instant = .now) throws {
        // `for update` and not less: whoever adds a child or a plan holds `for key share` on this row through its foreign key.
        guard !(try connection.run(SQL.Accounts.lockToDelete, caller.accountID, id).isEmpty) else { throw BusinessError.notFound("account") }
        try caller.require(.resellersDelete)
        guard id != caller.accountID else { throw BusinessError(.forbidden, "own_account", "An account is deleted by the account above it.") }
        let remains = try connection.run(SQL.Accounts.remains, id).only()
        if try remains("has_children") {
            throw BusinessError(.conflict, "account_has_children", "There are accounts below this one; delete them first.")
        }
        if try remains("has_plans") {
            throw BusinessError(.conflict, "account_has_plans", "The account has plans that are pending, active or suspended; let them end first.")
        }
        if try remains("has_balance") {
            throw BusinessError(.conflict, "account_has_balance", "The account's balance is not zero, or money is held; settle it first.")
        }
        try connection.run(SQL.Accounts.archive, id, now)
        try connection.run(SQL.Sessions.revokeSubtree, id, now)
        try connection.run(SQL.ApiKeys.deleteOfAccount, id, now)
        try business.audit.write(action: "account.delete", resource: ("account", id), account: id, by: caller, on: connection)
    }
}
