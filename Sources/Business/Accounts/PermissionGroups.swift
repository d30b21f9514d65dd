package import Bytes
package import Clocks
package import Postgres

/// Permission groups: what accounts below may do at most.
///
/// A group belongs to the account that made it. It may hold only what its maker has; what it holds beyond that (because the maker's rights shrank later)
/// counts for nothing, since rights are intersected along the whole chain.
package struct PermissionGroups: Sendable {
    let business: Business
}

extension Business {
    package var permissionGroups: PermissionGroups { PermissionGroups(business: self) }
}

extension PermissionGroups {
    /// Creates a group owned by the caller's account; in the caller's transaction.
    ///
    /// - Throws: `permission_denied`, `exceeds_own_rights`, `group_name_taken`, `invalid_name`.
    @discardableResult
    package func create(
        name: String, permissions: Set<Permission>, id: Identifier = .next(), by caller: Caller, on connection: Connection
    ) throws -> PermissionGroup {
        try caller.require(.permissionGroupsEdit)
        try requireOwn(permissions, by: caller)
        let name = try FieldText.name(name, longest: 100)
        try refusingTakenName { () throws(PostgresError) in
            try connection.run(SQL.PermissionGroups.insert, id, caller.accountID, name, permissions.names)
        }
        let group = try found(id, by: caller, on: connection)
        try business.audit.write(
            action: "permission_group.create", resource: ("permission_group", id), account: caller.accountID, by: caller, after: group.json,
            on: connection)
        return group
    }

    /// Groups owned in the caller's subtree, newest first.
    package func list(
        owner: Identifier? = nil, after cursor: Identifier? = nil, limit: Int = 50, by caller: Caller, on connection: Connection
    ) throws -> Page<PermissionGroup> {
        try caller.require(.permissionGroupsView)
        let rows = try connection.run(SQL.PermissionGroups.list, caller.accountID, nil as Identifier?, cursor, owner, limit + 1)
        return try Page(rows.map { try PermissionGroup($0) }, limit: limit) { $0.id }
    }

    /// One group owned in the caller's subtree.
    package func get(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> PermissionGroup {
        try caller.require(.permissionGroupsView)
        return try found(id, by: caller, on: connection)
    }

    /// Renames a group or changes what it holds; in the caller's transaction.
    ///
    /// Takes effect with the next request of everybody concerned.
    ///
    /// - Throws: `not_found`, `permission_denied`, `exceeds_own_rights`, `group_name_taken`, `invalid_name`.
    @discardableResult
    package func edit(
        _ id: Identifier, name: String? = nil, permissions: Set<Permission>? = nil, by caller: Caller, on connection: Connection, now: Instant = .now
    ) throws -> PermissionGroup {
        try caller.require(.permissionGroupsEdit)
        guard !(try connection.run(SQL.PermissionGroups.lock, caller.accountID, id).isEmpty) else { throw BusinessError.notFound("permission group") }
        let old = try found(id, by: caller, on: connection)
        if let permissions { try requireOwn(permissions, by: caller) }
        let newName = try name.map { text throws(BusinessError) in try FieldText.name(text, longest: 100) } ?? old.name
        try refusingTakenName { () throws(PostgresError) in
            try connection.run(SQL.PermissionGroups.update, id, newName, (permissions ?? old.permissions).names, now)
        }
        let group = try found(id, by: caller, on: connection)
        let difference = Difference(old.json, group.json)
        guard !difference.isEmpty else { return group }
        try business.audit.write(
            action: "permission_group.edit", resource: ("permission_group", id), account: group.accountID, by: caller, before: difference.before,
            after: difference.after, on: connection)
        return group
    }

    /// Deletes a group that no account has; in the caller's transaction.
    ///
    /// - Throws: `not_found`, `permission_denied`, `group_in_use`.
    package func delete(_ id: Identifier, by caller: Caller, on connection: Connection) throws {
        try caller.require(.permissionGroupsEdit)
        guard !(try connection.run(SQL.PermissionGroups.lock, caller.accountID, id).isEmpty) else { throw BusinessError.notFound("permission group") }
        let group = try found(id, by: caller, on: connection)
        guard !(try connection.run(SQL.PermissionGroups.isUsed, id).only()("used")) else {
            throw BusinessError(.conflict, "group_in_use", "Accounts have this permission group; give them another first.")
        }
        try connection.run(SQL.PermissionGroups.delete, id)
        try business.audit.write(
            action: "permission_group.delete", resource: ("permission_group", id), account: group.accountID, by: caller, before: group.json,
            on: connection)
    }

    private func found(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> PermissionGroup {
        let none: Identifier? = nil
        guard let row = try connection.run(SQL.PermissionGroups.list, caller.accountID, id, none, none, 1).first else {
            throw BusinessError.notFound("permission group")
        }
        return try PermissionGroup(row)
    }

    private func requireOwn(_ permissions: Set<Permission>, by caller: Caller) throws(BusinessError) {
        let beyond = permissions.subtracting(caller.permissions)
        guard beyond.isEmpty else {
            throw BusinessError(
                .forbidden, "exceeds_own_rights", "A group can hold only what you may do yourself; you lack \(beyond.names.joined(separator: ", ")).",
                field: "/permissions")
        }
    }

    private func refusingTakenName(_ body: () throws(PostgresError) -> Rows) throws {
        do {
            _ = try body()
        } catch {
            guard error.constraint == "permission_groups_name" else { throw error }
            throw BusinessError(.conflict, "group_name_taken", "Another group of the account has this name.", field: "/name")
        }
    }
}
