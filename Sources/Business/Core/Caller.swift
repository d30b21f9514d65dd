package import Bytes

/// Who asks: the authenticated user, on whose account, with which rights, from where.
///
/// Every rule about owned things takes one.
package struct Caller: Sendable {
    /// The user who acts; differs from `subjectID` during impersonation.
    package var actorID: Identifier?
    /// The user as whom they act.
    package var subjectID: Identifier?
    /// The account of the subject: the root of what the caller may see.
    package var accountID: Identifier
    package var role: Role
    package var permissions: Set<Permission>
    package var sessionID: Identifier?
    package var apiKeyID: Identifier?
    package var ip: String?
    package var userAgent: String?
    package var requestID: Identifier?

    package init(
        accountID: Identifier, role: Role, permissions: Set<Permission>, actorID: Identifier? = nil, subjectID: Identifier? = nil,
        sessionID: Identifier? = nil, apiKeyID: Identifier? = nil, ip: String? = nil, userAgent: String? = nil, requestID: Identifier? = nil
    ) {
        self.accountID = accountID
        self.role = role
        self.permissions = permissions
        self.actorID = actorID
        self.subjectID = subjectID
        self.sessionID = sessionID
        self.apiKeyID = apiKeyID
        self.ip = ip
        self.userAgent = userAgent
        self.requestID = requestID
    }

    /// Refuses a caller without this right.
    package func require(_ permission: Permission) throws(BusinessError) {
        if permissions.contains(permission) { return }
        throw BusinessError(.forbidden, "permission_denied", "This needs the permission \(permission.rawValue).")
    }
}

/// What a user is.
///
/// Operator staff: the first four.
package enum Role: String, Sendable, Codable, CaseIterable {
    case superAdmin = "super_admin"
    case manager, support, analyst, reseller, customer, partner

    package var isStaff: Bool {
        switch self {
        case .superAdmin, .manager, .support, .analyst: true
        case .reseller, .customer, .partner: false
        }
    }
}
