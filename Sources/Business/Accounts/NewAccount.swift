package import Bytes

/// An account to create, with its first user if wanted.
package struct NewAccount: Sendable {
    package var id: Identifier
    package var type: AccountType
    package var name: String
    /// Nil: directly below the caller's own account.
    package var parentID: Identifier?
    /// Nil: the parent's.
    package var currency: String?
    package var email: String?
    package var phone: String?
    package var permissionGroupID: Identifier?
    package var allowedIPs: [String] = []
    package var firstUser: NewUser?

    package init(
        _ type: AccountType, name: String, id: Identifier = .next(), parent parentID: Identifier? = nil, currency: String? = nil,
        firstUser: NewUser? = nil
    ) {
        self.id = id
        self.type = type
        self.name = name
        self.parentID = parentID
        self.currency = currency
        self.firstUser = firstUser
    }
}

/// What an edit of an account changes; what it does not name stays.
package struct AccountChanges: Sendable {
    package var name: String?
    package var email: Change<String> = .keep
    package var phone: Change<String> = .keep
    package var allowedIPs: [String]?
    /// Only of accounts below the caller's.
    package var permissionGroupID: Change<Identifier> = .keep
    /// Only of accounts below the caller's.
    package var isActive: Bool?

    package init() {}

    /// Whether it touches what an account cannot do to itself.
    var needsAncestor: Bool {
        if case .set = permissionGroupID { return true }
        return isActive != nil
    }
}
