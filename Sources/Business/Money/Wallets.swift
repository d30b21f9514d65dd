package import Bytes
package import Clocks
package import Postgres

/// Wallets: the money of accounts.
///
/// The balance is the sum of the entries, always: an entry and its balance change are one statement, and nothing else writes either. Whoever moves
/// money locks the wallet's row first, of several wallets in the order of their accounts, and only then holds, plans and products; so batches of
/// purchases and a cancel that crosses them wait for each other and never in a ring.
///
/// Everything that moves money runs inside the caller's transaction: the effect that is paid for and the payment commit together or not at all.
package struct Wallets {
    let business: Business

    /// Gives an account its wallet in a currency, empty; does nothing when it has one.
    ///
    /// Called when an account is made.
    package func open(_ accountID: Identifier, currency: String, on connection: Connection, now: Instant = .now) throws {
        try connection.run(SQL.Wallets.open, Identifier.next(), accountID, currency, now)
    }

    /// The wallet of an account, by default the caller's own, in the account's currency unless another is named.
    ///
    /// - Throws: `BusinessError` `permission_denied` (`balance.view`; `resellers.view` too for another account), `not_found`.
    package func find(
        _ accountID: Identifier? = nil, currency: String? = nil, by caller: Caller, on connection: Connection
    ) throws -> Wallet {
        try caller.require(.balanceView)
        let accountID = accountID ?? caller.accountID
        if accountID != caller.accountID { try caller.require(.resellersView) }
        return try visible(accountID, currency: currency, by: caller, on: connection)
    }

    /// The wallet of an account that the caller may see, for a rule that has checked its own permission.
    func visible(_ accountID: Identifier, currency: String? = nil, by caller: Caller, on connection: Connection) throws -> Wallet {
        guard let row = try connection.run(SQL.Wallets.find, caller.accountID, accountID, currency).first else {
            throw BusinessError.notFound("wallet")
        }
        return try Wallet(row)
    }

    /// The wallet of any account, for rules that run without a caller.
    package func read(_ accountID: Identifier, currency: String? = nil, on connection: Connection) throws -> Wallet {
        guard let row = try connection.run(SQL.Wallets.read, accountID, currency).first else { throw BusinessError.notFound("wallet") }
        return try Wallet(row)
    }

    /// Locks wallets until the transaction ends.
    func lock(_ ids: [Identifier], on connection: Connection) throws -> [Identifier: Wallet] {
        let wallets = try connection.run(SQL.Wallets.lock, ids).map { try Wallet($0) }
        return Dictionary(wallets.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }
}

extension Business {
    package var wallets: Wallets { Wallets(business: self) }
}
