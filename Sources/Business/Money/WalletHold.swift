package import Bytes
package import Clocks
internal import Postgres

/// Money set aside for an order: it ends captured, as an entry, or released.
package struct WalletHold: Sendable, Hashable {
    package enum State: String, Sendable, PostgresDecodable {
        case held, captured, released
    }

    package var id: Identifier
    package var walletID: Identifier
    package var accountID: Identifier
    package var amount: Money
    package var currency: String
    package var reason: String
    package var state: State
    package var reference: WalletEntry.Reference?
    package var jobID: Identifier?
    /// The entry that its capture made; nil for a hold of nothing.
    package var entryID: Identifier?
    package var createdAt: Instant
    package var endedAt: Instant?

    init(_ row: Row) throws {
        id = try row("id")
        walletID = try row("wallet_id")
        accountID = try row("account_id")
        amount = try row("amount")
        reason = try row("reason")
        state = try row("state")
        reference = try WalletEntry.Reference(row)
        jobID = try row("job_id")
        entryID = try row("entry_id")
        createdAt = try row("created_at")
        endedAt = try row("ended_at")
        currency = try row("currency")
    }
}
