package import Bytes

/// What is to happen to a wallet's balance.
package struct WalletMovement: Sendable, Hashable {
    package var type: EntryType
    /// Positive: money comes in.
    ///
    /// Never zero.
    package var amount: Money
    package var reference: WalletEntry.Reference?
    package var note: String?
    /// Names the effect: on one wallet the same key never moves money twice.
    package var key: String?
    package var actorID: Identifier?
    package var jobID: Identifier?

    package init(
        _ type: EntryType, _ amount: Money, reference: WalletEntry.Reference? = nil, note: String? = nil, key: String? = nil,
        actor actorID: Identifier? = nil, job jobID: Identifier? = nil
    ) {
        self.type = type
        self.amount = amount
        self.reference = reference
        self.note = note
        self.key = key
        self.actorID = actorID
        self.jobID = jobID
    }
}
