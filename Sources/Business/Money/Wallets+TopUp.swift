package import Bytes
package import Clocks
internal import JSON
package import Postgres

extension Wallets {
    /// Creates money: what a customer paid outside, or a bonus.
    ///
    /// The operator's staff only.
    ///
    /// - Throws: `BusinessError` `permission_denied`, `invalid_amount`, `not_found`, `idempotency_key_reused`.
    @discardableResult
    package func topUp(
        _ accountID: Identifier, _ amount: Money, as type: EntryType = .topUp, note: String? = nil, key: String? = nil, by caller: Caller,
        on connection: Connection, now: Instant = .now
    ) throws -> WalletEntry {
        try caller.require(.balanceTopUp)
        try Self.requireStaff(caller)
        try Self.check(amount: amount, note: note)
        precondition(type == .topUp || type == .bonus, "only these create money")
        let wallet = try visible(accountID, by: caller, on: connection)
        return try audited(WalletMovement(type, amount, note: note, key: key, actor: caller.actorID), wallet, by: caller, on: connection, now: now)
    }

    /// Takes money out: a reseller cashes out.
    ///
    /// By the operator's staff it leaves the system. By a reseller it comes back from an account below it into its own wallet, so that no money is lost.
    /// Credit cannot be cashed out: the balance without what is held must cover it.
    ///
    /// - Returns: the entry of the wallet that is debited.
    /// - Throws: `BusinessError` `permission_denied`, `invalid_amount`, `not_found`, `insufficient_balance`, `idempotency_key_reused`.
    @discardableResult
    package func withdraw(
        _ accountID: Identifier, _ amount: Money, note: String? = nil, key: String? = nil, by caller: Caller, on connection: Connection,
        now: Instant = .now
    ) throws -> WalletEntry {
        try caller.require(caller.role.isStaff ? .balanceTopUp : .balanceTransfer)
        try Self.check(amount: amount, note: note)
        let wallet = try visible(accountID, by: caller, on: connection)
        let movement = WalletMovement(.withdraw, -amount, note: note, key: key, actor: caller.actorID)
        if caller.role.isStaff {
            if let first = try earlier(movement, wallet: wallet.id, on: connection) { return first }
            try requireWithdrawable(amount, wallet.id, on: connection)
            return try audited(movement, wallet, by: caller, on: connection, now: now)
        }
        guard accountID != caller.accountID else {
            throw BusinessError(.forbidden, "withdraw_by_operator", "Your own balance is paid out by the operator. Ask the operator to withdraw it.")
        }
        let own = try visible(caller.accountID, currency: wallet.currency, by: caller, on: connection)
        return try pair(movement, from: wallet, to: own, withdrawing: true, by: caller, on: connection, now: now)
    }

    /// Under the wallet's lock, so that nothing can spend it in between.
    func requireWithdrawable(_ amount: Money, _ id: Identifier, on connection: Connection) throws {
        guard let wallet = try lock([id], on: connection)[id] else { throw BusinessError.notFound("wallet") }
        guard wallet.withdrawable >= amount else {
            throw BusinessError.insufficientBalance(available: max(wallet.withdrawable, .zero), needed: amount, currency: wallet.currency)
        }
    }

    /// Moves once and writes the audit row with the first entry, not with its replay.
    private func audited(
        _ movement: WalletMovement, _ wallet: Wallet, by caller: Caller, on connection: Connection, now: Instant
    ) throws -> WalletEntry {
        if let first = try earlier(movement, wallet: wallet.id, on: connection) { return first }
        let entry = try apply(movement, wallet: wallet.id, on: connection, now: now)
        try audit(entry, by: caller, on: connection)
        return entry
    }

    func audit(_ entry: WalletEntry, by caller: Caller, on connection: Connection) throws {
        try business.audit.write(
            action: "wallet.\(entry.type.rawValue)", resource: (type: "wallet", id: entry.walletID), account: entry.accountID, by: caller,
            before: ["balance": .string((entry.balanceAfter - entry.amount).description)],
            after: ["balance": .string(entry.balanceAfter.description)], metadata: entry.json, on: connection)
    }

    static func requireStaff(_ caller: Caller) throws(BusinessError) {
        if !caller.role.isStaff { throw BusinessError(.forbidden, "operator_only", "Only the operator's staff can do this.") }
    }

    static func check(amount: Money, note: String?) throws(BusinessError) {
        guard amount > .zero else { throw BusinessError(.invalid, "invalid_amount", "The amount must be more than zero.", field: "/amount") }
        guard amount <= largestMovement else {
            throw BusinessError(.invalid, "invalid_amount", "The amount must not be more than \(largestMovement).", field: "/amount")
        }
        guard (note?.count ?? 0) <= 500 else { throw BusinessError(.invalid, "note_too_long", "A note has at most 500 characters.", field: "/note") }
    }

    /// Far below what a wallet can hold, so that a slip of the finger does not make `numeric(18,6)` overflow later.
    static let largestMovement = Money(micros: 1_000_000_000_000_000)
}
