package import Bytes
package import Clocks
package import Postgres

extension Wallets {
    /// Gives back what an entry took, or a part of it; all refunds of an entry together never more than it took.
    ///
    /// - Parameter amount: nil for all that has not been refunded yet.
    /// - Throws: `BusinessError` `permission_denied`, `not_found`, `not_refundable`, `already_refunded`, `refund_too_large`,
    ///   `idempotency_key_reused`.
    @discardableResult
    package func refund(
        _ entryID: Identifier, _ amount: Money? = nil, note: String? = nil, key: String? = nil, by caller: Caller, on connection: Connection,
        now: Instant = .now
    ) throws -> WalletEntry {
        try caller.require(.balanceRefund)
        try Self.check(amount: amount ?? Self.largestMovement, note: note)
        guard let row = try connection.run(SQL.Wallets.entry, caller.accountID, entryID).first else { throw BusinessError.notFound("entry") }
        let entry = try WalletEntry(row)
        guard entry.type.isIncome, entry.amount < .zero else {
            throw BusinessError(.conflict, "not_refundable", "Only what was charged can be refunded; this is a \(entry.type.rawValue).")
        }
        // The sum is taken under the wallet's lock: two refunds at once cannot both see room.
        _ = try lock([entry.walletID], on: connection)
        if let first = try replay(key, of: entry, amount, on: connection) { return first }
        let refunded: Money = try connection.run(SQL.Wallets.refunded, entry.walletID, entry.id).only()("amount")
        let left = -entry.amount - refunded
        guard left > .zero else { throw BusinessError(.conflict, "already_refunded", "This has been refunded already.") }
        let amount = amount ?? left
        guard amount <= left else {
            throw BusinessError(.invalid, "refund_too_large", "At most \(left) \(entry.currency) can still be refunded.", field: "/amount")
        }
        let movement = WalletMovement(
            .refund, amount, reference: WalletEntry.Reference("wallet_entry", entry.id), note: note, key: key, actor: caller.actorID)
        let refund = try apply(movement, wallet: entry.walletID, on: connection, now: now)
        try audit(refund, by: caller, on: connection)
        return refund
    }

    /// The refund that the key has already made; "what is left" is another amount every time, so without an amount the key and the entry decide.
    private func replay(_ key: String?, of entry: WalletEntry, _ amount: Money?, on connection: Connection) throws -> WalletEntry? {
        guard let key, let row = try connection.run(SQL.Wallets.entryByKey, entry.walletID, key).first else { return nil }
        let first = try WalletEntry(row)
        guard first.type == .refund, first.reference?.id == entry.id, amount == nil || first.amount == amount else {
            throw BusinessError(
                .conflict, "idempotency_key_reused", "This key has already moved another amount. Use a new key for a new movement.",
                field: "/idempotencyKey")
        }
        return first
    }
}
