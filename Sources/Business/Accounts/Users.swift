package import Bytes
internal import Crypto
internal import JSON
package import Postgres

/// The people who log in.
///
/// A role belongs to an account type. Within the own account nobody makes, changes or resets a user who may more than they themselves: a manager cannot
/// take over a super admin. Users of accounts below are bounded by their account's place in the tree and need no such check.
package struct Users: Sendable {
    let business: Business
}

extension Business {
    package var users: Users { Users(business: self) }
}

extension Users {
    /// Creates a user in an account of the caller's subtree; in the caller's transaction.
    ///
    /// - Throws: `permission_denied`, `not_found` (the account), `role_mismatch`, `exceeds_own_rights`, `username_taken`, `invalid_…`.
    @discardableResult
    package func create(_ new: NewUser, in accountID: Identifier, by caller: Caller, on connection: Connection) throws -> User {
        try caller.require(.usersCreate)
        guard let account = try connection.run(SQL.Accounts.lockParent, caller.accountID, accountID).first else {
            throw BusinessError.notFound("account")
        }
        let id = try insert(new, account: accountID, type: AccountType(column: "type", of: account), field: "", by: caller, on: connection)
        return try found(id, by: caller, on: connection)
    }

    /// Users of the caller's subtree, newest first.
    ///
    /// - Parameters:
    ///   - account: only the users of this account.
    ///   - search: part of a user name, name or e-mail address.
    package func list(
        account: Identifier? = nil, search: String? = nil, after cursor: Identifier? = nil, limit: Int = 50, by caller: Caller,
        on connection: Connection
    ) throws -> Page<User> {
        try caller.require(.usersView)
        let rows = try connection.run(SQL.Users.list.plannedAnew, caller.accountID, cursor, account, search.map(likePattern), limit + 1)
        return try Page(rows.map { try User($0) }, limit: limit) { $0.id }
    }

    /// One user of the caller's subtree; oneself without any permission.
    package func get(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> User {
        let user = try found(id, by: caller, on: connection)
        if id != caller.subjectID { try caller.require(.usersView) }
        return user
    }

    /// The user without asking for `users.view`: who may change a user may see what became of it.
    func found(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> User {
        guard let row = try connection.run(SQL.Users.get, caller.accountID, id).first else { throw BusinessError.notFound("user") }
        return try User(row)
    }

    /// The insert itself; the account is locked and its type known, and the caller may do it.
    ///
    /// `by` is nil at the first start alone.
    @discardableResult
    func insert(
        _ new: NewUser, account: Identifier, type: AccountType, field: String, by caller: Caller?, on connection: Connection
    ) throws -> Identifier {
        let username = try FieldText.username(new.username, field: field + "/username")
        let name = new.name.isEmpty ? "" : try FieldText.name(new.name, field: field + "/name")
        let email = try FieldText.email(new.email, field: field + "/email")
        let ranges = try AddressRange.list(new.allowedIPs, field: field + "/allowedIps")
        let role = try role(new.role, for: type, field: field + "/role")
        if let caller { try requireWithinOwnRights(role, account: account, by: caller, on: connection) }
        do {
            try connection.run(
                SQL.Users.insert, new.id, account, username, email, name, new.password.text.reveal, role.rawValue, ranges.map(\.cidr))
        } catch {
            guard error.constraint == "users_username" else { throw error }
            throw BusinessError(.conflict, "username_taken", "The user name \(username) is taken; choose another.", field: field + "/username")
        }
        try business.audit.write(
            action: "user.create", resource: ("user", new.id), account: account, by: caller,
            after: ["username": .string(username), "role": .string(role.rawValue)], on: connection)
        return new.id
    }

    func role(_ wanted: Role?, for type: AccountType, field: String) throws(BusinessError) -> Role {
        let fitting = type.roles
        if let wanted, fitting.contains(wanted) { return wanted }
        if wanted == nil, fitting.count == 1, let only = fitting.first { return only }
        let names = fitting.map(\.rawValue).joined(separator: ", ")
        throw BusinessError(.invalid, "role_mismatch", "A user of an account of type \(type.rawValue) has a role among: \(names).", field: field)
    }

    /// Refuses a user of the caller's own account who may more than the caller.
    func requireWithinOwnRights(_ role: Role, account: Identifier, by caller: Caller, on connection: Connection) throws {
        guard account == caller.accountID else { return }
        let standing = try connection.run(SQL.Users.standing, account).only()
        let rights = try Rights.effective(role: role, groupTexts: standing("groups"))
        guard rights.isSubset(of: caller.permissions) else {
            throw BusinessError(.forbidden, "exceeds_own_rights", "A user with the role \(role.rawValue) may more than you may.", field: "/role")
        }
    }
}
