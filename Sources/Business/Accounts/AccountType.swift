/// What an account is in the tree.
package enum AccountType: String, Sendable, CaseIterable {
    /// The platform itself: one, the root.
    case `operator`
    /// May have accounts below it, to any depth.
    case reseller
    case customer
    case partner

    /// Whether accounts can be below it.
    package var hasChildren: Bool { self == .operator || self == .reseller }

    /// The roles that its users can have; the operator's staff have four.
    package var roles: [Role] {
        switch self {
        case .operator: [.superAdmin, .manager, .support, .analyst]
        case .reseller: [.reseller]
        case .customer: [.customer]
        case .partner: [.partner]
        }
    }
}
