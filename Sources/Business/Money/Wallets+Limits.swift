package import Bytes
package import Clocks
internal import JSON
package import Postgres

extension Wallets {
    /// Sets how far a wallet may go below zero, and below which available amount `balance.low` is sent.
    ///
    /// The credit limit is the operator's to give; the threshold is the account's own, or its ancestors'. The event of the fall is not sent by
    /// raising the threshold: whoever raises it sees the balance.
    ///
    /// - Throws: `BusinessError` `permission_denied`, `operator_only`, `invalid_amount`, `not_found`, `credit_in_use`.
    @discardableResult
    package func setLimits(
        _ accountID: Identifier, creditLimit: Money? = nil, lowBalance change: Change<Money> = .keep, by caller: Caller, on connection: Connection,
        now: Instant = .now
    ) throws -> Wallet {
        try caller.require(.accountEdit)
        if accountID != caller.accountID { try caller.require(.resellersEdit) }
        let before = try visible(accountID, by: caller, on: connection)
        let credit = creditLimit ?? before.creditLimit
        let lowBalance = change.applied(to: before.lowBalance)
        if credit != before.creditLimit {
            try caller.require(.balanceTopUp)
            try Self.requireStaff(caller)
        }
        guard credit >= .zero, credit <= Self.largestMovement else {
            throw BusinessError(.invalid, "invalid_amount", "A credit limit is between 0 and \(Self.largestMovement).", field: "/creditLimit")
        }
        if let lowBalance, abs(lowBalance.micros) > Self.largestMovement.micros {
            throw BusinessError(.invalid, "invalid_amount", "The threshold is out of range.", field: "/lowBalance")
        }
        guard let row = try connection.run(SQL.Wallets.setLimits, before.id, credit, lowBalance, now).first else {
            throw BusinessError(.conflict, "credit_in_use", "More credit than that is in use. Top up first.", field: "/creditLimit")
        }
        let after = try Wallet(row)
        try business.audit.write(
            action: "wallet.limits", resource: (type: "wallet", id: after.id), account: accountID, by: caller,
            before: before.limits, after: after.limits, on: connection)
        return after
    }
}

extension Wallet {
    fileprivate var limits: JSONValue {
        ["creditLimit": .string(creditLimit.description), "lowBalance": lowBalance.map { .string($0.description) } ?? .null]
    }
}
