package import Bytes
package import Clocks
package import Postgres

extension Wallets {
    /// Moves a wallet's balance and writes the entry that explains it.
    ///
    /// The door for the other rules, which have checked who may do it. With a key the effect happens once: a replay returns the first entry.
    ///
    /// - Throws: `BusinessError` `insufficient_balance` (402), `idempotency_key_reused` when the key belongs to another movement.
    @discardableResult
    package func move(_ movement: WalletMovement, wallet id: Identifier, on connection: Connection, now: Instant = .now) throws -> WalletEntry {
        if let first = try earlier(movement, wallet: id, on: connection) { return first }
        return try apply(movement, wallet: id, on: connection, now: now)
    }

    /// The entry that this movement's key has already made.
    ///
    /// Locks the wallet, so that no second one can appear before the transaction ends.
    func earlier(_ movement: WalletMovement, wallet id: Identifier, on connection: Connection) throws -> WalletEntry? {
        guard let key = movement.key else { return nil }
        guard (1...255).contains(key.count) else {
            throw BusinessError(.invalid, "invalid_idempotency_key", "An idempotency key has 1–255 characters.", field: "/idempotencyKey")
        }
        // Its own statement: what another transaction committed while we waited for the lock is only seen by the next one.
        _ = try lock([id], on: connection)
        guard let row = try connection.run(SQL.Wallets.entryByKey, id, key).first else { return nil }
        let entry = try WalletEntry(row)
        guard entry.type == movement.type, entry.amount == movement.amount else {
            throw BusinessError(
                .conflict, "idempotency_key_reused", "This key has already moved another amount. Use a new key for a new movement.",
                field: "/idempotencyKey")
        }
        return entry
    }

    /// Moves without looking for the key, as `entryID`.
    func apply(
        _ movement: WalletMovement, wallet id: Identifier, as entryID: Identifier = .next(), on connection: Connection, now: Instant
    ) throws -> WalletEntry {
        precondition(connection.isInTransaction, "money moves inside the transaction of what it pays for")
        let rows = try connection.run(
            SQL.Wallets.move, id, movement.amount, entryID, movement.type, movement.reference?.type, movement.reference?.id, movement.note,
            movement.actorID, movement.jobID, movement.key, now)
        guard let row = rows.first else {
            guard let wallet = try lock([id], on: connection)[id] else { throw BusinessError.notFound("wallet") }
            throw BusinessError.insufficientBalance(available: wallet.available, needed: -movement.amount, currency: wallet.currency)
        }
        let wallet = try Wallet(row)
        if try row("fell") { try announceLowBalance(wallet, on: connection, now: now) }
        return WalletEntry(id: entryID, movement: movement, wallet: wallet, number: try row("entries"), now: now)
    }

    /// Sent once per fall below the threshold; the wallet's `low_since` remembers it.
    func announceLowBalance(_ wallet: Wallet, on connection: Connection, now: Instant) throws {
        try business.webhooks.emit(.balanceLow, account: wallet.accountID, data: wallet.json, on: connection, now: now)
    }
}

extension BusinessError {
    static func insufficientBalance(available: Money, needed: Money, currency: String) -> BusinessError {
        BusinessError(
            .paymentRequired, "insufficient_balance",
            "The balance does not cover this: \(available) \(currency) available, \(needed) \(currency) needed. Top up and try again.")
    }
}
