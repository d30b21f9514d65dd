/// What somebody may do: role ∩ the permission group of the own account and of every account above it ∩ the API key's list.
///
/// Only intersections, so nothing that is added to the chain can ever give more: a child never has more than its parent. An account without a group
/// restricts nothing. Names that this version does not know are dropped, which also can only take away.
package enum Rights {
    /// The effective permissions.
    ///
    /// - Parameters:
    ///   - groups: the groups of the account and its ancestors, in any order, for those that have one.
    ///   - key: the API key's list; nil for a login with a password and for a key without a list.
    package static func effective(role: Role, groups: [Set<Permission>], key: Set<Permission>? = nil) -> Set<Permission> {
        var rights = Permission.all(of: role)
        for group in groups { rights.formIntersection(group) }
        if let key { rights.formIntersection(key) }
        return rights
    }

    /// The same from the database's form: a group's permissions as words with spaces between.
    static func effective(role: Role, groupTexts: [String]?, keyNames: [String]? = nil) -> Set<Permission> {
        effective(
            role: role, groups: (groupTexts ?? []).map { Permission.known($0.split(separator: " ").map(String.init)) },
            key: keyNames.map(Permission.known))
    }
}
