package import Bytes
package import Clocks
internal import Postgres

/// An account's money in one currency.
package struct Wallet: Sendable, Hashable {
    package var id: Identifier
    package var accountID: Identifier
    package var currency: String
    /// The sum of the wallet's entries.
    package var balance: Money
    /// Set aside for orders that are on their way.
    package var held: Money
    /// How far the balance may go below zero.
    package var creditLimit: Money
    /// Below this much available money the event `balance.low` is sent; nil: never.
    package var lowBalance: Money?
    /// Since when it has been below.
    package var lowSince: Instant?
    package var createdAt: Instant

    /// What can be spent: the balance without what is held, and the credit.
    package var available: Money { balance - held + creditLimit }

    /// What can be cashed out: credit cannot.
    package var withdrawable: Money { balance - held }

    init(_ row: Row) throws {
        id = try row("id")
        accountID = try row("account_id")
        currency = try row("currency")
        balance = try row("balance")
        held = try row("held")
        creditLimit = try row("credit_limit")
        lowBalance = try row("low_balance")
        lowSince = try row("low_since")
        createdAt = try row("created_at")
    }
}
