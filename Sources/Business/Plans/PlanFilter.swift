package import Bytes
package import Clocks

/// Which plans are wanted.
package struct PlanFilter: Sendable, Hashable {
    /// Nil: the whole subtree.
    package var accountID: Identifier?
    /// Empty: every status.
    package var statuses: [PlanStatus] = []
    package var productCode: String?
    /// A part of the customer reference or of the user name; case does not matter.
    package var search: String?
    package var groupName: String?
    package var expiringBefore: Instant?

    package init() {}
}
