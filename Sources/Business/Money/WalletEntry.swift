package import Bytes
package import Clocks
internal import Postgres

/// One movement of a wallet's balance.
///
/// Entries are never changed; what was wrong is undone by another entry.
package struct WalletEntry: Sendable, Hashable {
    package var id: Identifier
    package var walletID: Identifier
    package var accountID: Identifier
    /// Counts the wallet's entries without a gap: entry n's balance is that of entry n − 1 and its own amount.
    package var number: Int64
    package var type: EntryType
    /// Positive: money came in.
    package var amount: Money
    package var balanceAfter: Money
    package var currency: String
    package var reference: Reference?
    package var note: String?
    package var actorID: Identifier?
    package var jobID: Identifier?
    package var createdAt: Instant

    /// What an entry or a hold is about.
    package struct Reference: Sendable, Hashable {
        /// `plan`, or `wallet_entry`: the other side of a transfer, what a refund undoes.
        package var type: String
        package var id: Identifier

        package init(_ type: String, _ id: Identifier) {
            self.type = type
            self.id = id
        }

        init?(_ row: Row) throws {
            guard let type: String = try row("reference_type"), let id: Identifier = try row("reference_id") else { return nil }
            self.init(type, id)
        }
    }

    init(_ row: Row) throws {
        id = try row("id")
        walletID = try row("wallet_id")
        accountID = try row("account_id")
        number = try row("number")
        type = try row("type")
        amount = try row("amount")
        balanceAfter = try row("balance_after")
        reference = try Reference(row)
        note = try row("note")
        actorID = try row("actor_id")
        jobID = try row("job_id")
        createdAt = try row("created_at")
        currency = try row("currency")
    }

    /// What `movement` made of the wallet, as it stands in the table.
    init(id: Identifier, movement: WalletMovement, wallet: Wallet, number: Int64, now: Instant) {
        self.id = id
        walletID = wallet.id
        accountID = wallet.accountID
        self.number = number
        type = movement.type
        amount = movement.amount
        balanceAfter = wallet.balance
        currency = wallet.currency
        reference = movement.reference
        note = movement.note
        actorID = movement.actorID
        jobID = movement.jobID
        createdAt = now
    }
}
