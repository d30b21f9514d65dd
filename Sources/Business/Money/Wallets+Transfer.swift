package import Bytes
package import Clocks
package import Postgres

extension Wallets {
    /// Moves money from one wallet to another; both entries name each other.
    ///
    /// A reseller pays out of its own wallet to an account below it: that is its "top-up" of a sub-reseller. The operator's staff may name any source, by
    /// default the operator's own wallet. Movements between currencies are refused.
    ///
    /// - Returns: the source's entry and the target's.
    /// - Throws: `BusinessError` `permission_denied`, `invalid_amount`, `not_found`, `same_account`, `not_below`, `currency_mismatch`,
    ///   `insufficient_balance`, `idempotency_key_reused`.
    @discardableResult
    package func transfer(
        from sourceID: Identifier? = nil, to targetID: Identifier, _ amount: Money, note: String? = nil, key: String? = nil, by caller: Caller,
        on connection: Connection, now: Instant = .now
    ) throws -> WalletEntry {
        try caller.require(.balanceTransfer)
        try Self.check(amount: amount, note: note)
        let sourceID = sourceID ?? caller.accountID
        let source = try visible(sourceID, by: caller, on: connection)
        let target = try visible(targetID, by: caller, on: connection)
        guard sourceID != targetID else {
            throw BusinessError(.invalid, "same_account", "Source and target are the same account.", field: "/accountId")
        }
        if !caller.role.isStaff {
            guard sourceID == caller.accountID else {
                throw BusinessError(.forbidden, "not_your_wallet", "A transfer goes out of your own wallet.", field: "/from")
            }
            guard try !connection.run(SQL.Wallets.isBelow, sourceID, targetID).isEmpty else {
                throw BusinessError(.forbidden, "not_below", "Money goes to accounts below yours only.", field: "/accountId")
            }
        }
        let movement = WalletMovement(.transfer, -amount, note: note, key: key, actor: caller.actorID)
        return try pair(movement, from: source, to: target, withdrawing: false, by: caller, on: connection, now: now)
    }

    /// The two entries of a movement between wallets.
    ///
    /// The key is the source's.
    func pair(
        _ movement: WalletMovement, from source: Wallet, to target: Wallet, withdrawing: Bool, by caller: Caller, on connection: Connection,
        now: Instant
    ) throws -> WalletEntry {
        guard source.currency == target.currency else {
            throw BusinessError(
                .conflict, "currency_mismatch",
                "Money is not moved between currencies: the source is in \(source.currency), the target in \(target.currency).")
        }
        // Both in one statement and one order, before the first of them moves.
        _ = try lock([source.id, target.id], on: connection)
        if let first = try earlier(movement, wallet: source.id, on: connection) {
            guard try leads(first, to: target, on: connection) else {
                throw BusinessError(
                    .conflict, "idempotency_key_reused", "This key has already moved money to another account. Use a new key.",
                    field: "/idempotencyKey")
            }
            return first
        }
        if withdrawing { try requireWithdrawable(-movement.amount, source.id, on: connection) }
        let outID = Identifier.next()
        let inID = Identifier.next()
        var out = movement
        out.reference = WalletEntry.Reference("wallet_entry", inID)
        var into = WalletMovement(.transfer, -movement.amount, reference: WalletEntry.Reference("wallet_entry", outID), note: movement.note)
        into.actorID = movement.actorID
        let debit = try apply(out, wallet: source.id, as: outID, on: connection, now: now)
        let credit = try apply(into, wallet: target.id, as: inID, on: connection, now: now)
        try audit(debit, by: caller, on: connection)
        try audit(credit, by: caller, on: connection)
        return debit
    }

    /// Whether the entry's other side is in this wallet.
    private func leads(_ entry: WalletEntry, to target: Wallet, on connection: Connection) throws -> Bool {
        guard let other = entry.reference?.id else { return false }
        return try connection.run(SQL.Wallets.isEntryOf, other, target.id).count == 1
    }
}
