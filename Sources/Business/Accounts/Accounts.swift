internal import Bytes
package import Postgres

/// The tree of accounts: operator, resellers to any depth, customers, partners.
///
/// A caller sees its own account and everything below, never beside or above; another tenant's id is `not_found`. What an account may do to itself is little:
/// its name, its contact, where its users log in from. Its group and its being active are decided from above.
///
/// Locks, always in this order: the parent (`for key share`, against its being archived meanwhile), the account, its group, its users.
package struct Accounts: Sendable {
    let business: Business
}

extension Business {
    package var accounts: Accounts { Accounts(business: self) }
}

extension Accounts {
    /// Creates an account below one of the caller's subtree, its wallet, and its first user when there is one; in the caller's transaction.
    ///
    /// - Throws: `permission_denied`; `not_found` for a parent or group that is not the caller's; `invalid_parent`; `group_not_above`;
    ///   `username_taken`; `invalid_…` of the fields.
    @discardableResult
    package func create(_ new: NewAccount, by caller: Caller, on connection: Connection) throws -> Account {
        try caller.require(.resellersCreate)
        let name = try FieldText.name(new.name)
        let email = try FieldText.email(new.email)
        let phone = try FieldText.phone(new.phone)
        let ranges = try AddressRange.list(new.allowedIPs)
        let parentID = new.parentID ?? caller.accountID
        guard let parent = try connection.run(SQL.Accounts.lockParent, caller.accountID, parentID).first else {
            throw BusinessError.notFound("account")
        }
        guard try AccountType(column: "type", of: parent).hasChildren else {
            throw BusinessError(.invalid, "invalid_parent", "Only the operator and resellers have accounts below them.", field: "/parentId")
        }
        guard new.type != .operator else {
            throw BusinessError(
                .invalid, "invalid_account_type", "There is one operator. Create a reseller, a customer or a partner.", field: "/type")
        }
        let currency = try new.currency.map { text throws(BusinessError) in try FieldText.currency(text) } ?? parent("currency")
        if let group = new.permissionGroupID { try requireGroup(group, above: parentID, isParent: true, by: caller, on: connection) }
        try connection.run(
            SQL.Accounts.insert, new.id, parentID, new.type.rawValue, name, email, phone, new.permissionGroupID, ranges.map(\.cidr), currency)
        try business.wallets.open(new.id, currency: currency, on: connection)
        let account = try found(new.id, by: caller, on: connection)
        try business.audit.write(
            action: "account.create", resource: ("account", new.id), account: new.id, by: caller, after: account.json, on: connection)
        guard let user = new.firstUser else { return account }
        try business.users.insert(user, account: new.id, type: new.type, field: "/firstUser", by: caller, on: connection)
        return try found(new.id, by: caller, on: connection)
    }

    /// Refuses a group that the caller cannot see, or that belongs to the account itself or beside it: whoever owns a group can change it, so it must be
    /// somebody above, or an account would set its own limits.
    func requireGroup(
        _ group: Identifier, above account: Identifier, isParent: Bool, by caller: Caller, on connection: Connection
    ) throws {
        guard let row = try connection.run(SQL.PermissionGroups.lockForUse, caller.accountID, group, account).first else {
            throw BusinessError.notFound("permission group")
        }
        let depth: Int? = try row("depth")
        guard let depth, isParent || depth > 0 else {
            throw BusinessError(
                .invalid, "group_not_above", "The permission group must belong to an account above this one.", field: "/permissionGroupId")
        }
    }
}
