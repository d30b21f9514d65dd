package import Bytes
package import Clocks

/// Which entries are wanted.
package struct EntryFilter: Sendable, Hashable {
    /// Nil: the caller's own, or with `transactions.view_all` those of the whole subtree.
    package var accountID: Identifier?
    /// Empty: every type.
    package var types: [EntryType]
    package var from: Instant?
    /// Exclusive.
    package var to: Instant?

    package init(account accountID: Identifier? = nil, types: [EntryType] = [], from: Instant? = nil, to: Instant? = nil) {
        self.accountID = accountID
        self.types = types
        self.from = from
        self.to = to
    }
}
