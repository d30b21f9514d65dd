package import Bytes

/// A user to create.
package struct NewUser: Sendable {
    package var id: Identifier
    package var username: String
    package var password: PasswordHash
    /// Nil: the one role that the account's type has; the operator's staff must name theirs.
    package var role: Role?
    package var name = ""
    package var email: String?
    package var allowedIPs: [String] = []

    package init(username: String, password: PasswordHash, role: Role? = nil, id: Identifier = .next()) {
        self.id = id
        self.username = username
        self.password = password
        self.role = role
    }
}

/// What an edit of a user changes; what it does not name stays.
///
/// The user name is for ever.
package struct UserChanges: Sendable {
    package var name: String?
    package var email: Change<String> = .keep
    package var role: Role?
    package var allowedIPs: [String]?
    package var isActive: Bool?

    package init() {}
}
