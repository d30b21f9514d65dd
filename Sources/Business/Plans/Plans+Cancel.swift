package import Bytes
package import Clocks
package import Postgres

extension Plans {
    /// Cancels a plan.
    ///
    /// A plan that waits for its delivery is cancelled with its money freed and its stock put back, unless its order has gone to an upstream. An active or
    /// suspended one ends at once; nothing is refunded by itself: a refund is `Wallets.refund`, a decision of the operator's. A plan with an extension on
    /// its way must wait for it.
    ///
    /// - Throws: `BusinessError` `permission_denied` (`plans.cancel`), `not_found`, `order_sent`, `extension_pending`, `plan_ended`.
    package func cancel(
        _ id: Identifier, reason: String? = nil, by caller: Caller, on connection: Connection, now: Instant = .now
    ) throws -> Plan {
        try caller.require(.plansCancel)
        try Self.check(reason, "/reason")
        let plan = try visible(id, by: caller, on: connection)
        // The wallet first: deliveries lock it before the plan, and under it the plan's holds stand still.
        if let hold = plan.holdID { try business.wallets.lockWallet(ofHold: hold, on: connection) }
        let locked = try lock(id, on: connection)
        let cancelled: Plan
        switch locked.status {
        case .pending:
            guard let ended = try cancelPending(id, reason: reason, evenIfSent: false, on: connection, now: now) else {
                throw BusinessError(.conflict, "order_sent", "The order has gone to the provider. Wait until the plan is active, then cancel it.")
            }
            cancelled = ended
            if let hold = plan.holdID { _ = try business.wallets.release(hold, for: WalletEntry.Reference("plan", id), on: connection, now: now) }
        case .active, .suspended:
            if try !connection.run(SQL.Plans.hasOpenExtension, id).isEmpty {
                throw BusinessError(.conflict, "extension_pending", "An extension of this plan is on its way. Cancel the plan when it has arrived.")
            }
            cancelled = try Plan(connection.run(SQL.Plans.cancel, id, now, reason).only())
        case .expired, .cancelled:
            throw BusinessError(.conflict, "plan_ended", "This plan has already ended: it is \(locked.status.rawValue).")
        }
        try record(.planCancelled, "plan.cancelled", cancelled, by: caller, on: connection, now: now)
        return cancelled
    }
}
