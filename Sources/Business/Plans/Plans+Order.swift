package import Bytes
package import Clocks
internal import JSON
package import Postgres

/// The pieces of an order that an upstream provider delivers, for the leased job `plan.order`:
///
///     order → markOrderSent → (HTTP, under the job's key) → markOrdered → completeOrder, in the transaction of the job's completion
///                                                        ↘ refused for good → releaseOrder
///
/// While the upstream's answer is unknown the hold stays, and the next attempt looks the order up by its key.
extension Plans {
    /// What is to be ordered.
    package func order(_ planID: Identifier, on connection: Connection) throws -> PlanOrder {
        guard let row = try connection.run(SQL.Plans.order, planID).first else { throw BusinessError.notFound("plan") }
        return try PlanOrder(row)
    }

    /// What an extension is to order: the plan's order with the quantity, the period and the price of the price check.
    package func extensionOrder(_ payload: PlanJobPayload, on connection: Connection) throws -> PlanOrder {
        let check = try business.priceChecks.read(payload.priceCheckID, on: connection)
        var order = try order(payload.planID, on: connection)
        order.quantity = check.quantity
        order.period = check.period
        (order.price, order.currency) = (check.price, check.currency)
        return order
    }

    /// Says, in a transaction of its own before the request goes out, that the order is on its way: from now on nobody can cancel the plan before it is
    /// active.
    ///
    /// - Returns: false when the plan is not waiting any more (cancelled, or delivered by an earlier run): do not order.
    package func markOrderSent(_ planID: Identifier, on connection: Connection, now: Instant = .now) throws -> Bool {
        try !connection.run(SQL.Plans.markOrderSent, planID, now).isEmpty
    }

    /// Remembers the upstream's id as soon as it is known.
    ///
    /// - Throws: `BusinessError` `provider_reference_changed` when the upstream has given another one before: two orders were placed.
    package func markOrdered(_ planID: Identifier, providerReference: String, on connection: Connection, now: Instant = .now) throws {
        if try connection.run(SQL.Plans.markOrdered, planID, providerReference, now).isEmpty {
            let plan = try read(planID, on: connection)
            guard plan.providerReference == providerReference else {
                throw BusinessError(.gone, "provider_reference_changed", "The provider answered with another order than before.")
            }
        }
    }

    /// Delivers what the upstream delivered: hold captured, credentials stored, plan active.
    ///
    /// However often it runs, it takes effect once.
    package func completeOrder(
        _ payload: PlanJobPayload, _ upstream: UpstreamDelivery, job: Identifier, actor: Identifier? = nil, on connection: Connection,
        now: Instant = .now
    ) throws -> PlanDelivery {
        try deliver(payload, upstream: upstream, job: job, actor: actor, on: connection, now: now)
    }

    /// Ends an order that the upstream refused for good: the money is free again, the plan cancelled, the stock back.
    ///
    /// - Parameter reason: for the customer; no secret.
    @discardableResult
    package func releaseOrder(
        _ payload: PlanJobPayload, reason: String, job: Identifier? = nil, actor: Identifier? = nil, on connection: Connection, now: Instant = .now
    ) throws -> PlanDelivery {
        switch try business.wallets.release(payload.holdID, for: payload.reference, on: connection, now: now) {
        case .earlier(.captured): return .repeated(try read(payload.planID, on: connection))
        case .earlier: return .released(try read(payload.planID, on: connection))
        case .now: break
        }
        // The hold was there to be released, so the plan is pending; anything else is a defect, and the transaction must not commit.
        guard let plan = try cancelPending(payload.planID, reason: reason, evenIfSent: true, on: connection, now: now) else {
            throw BusinessError(.gone, "plan_not_pending", "The plan is not waiting for its delivery.")
        }
        try record(
            .planCancelled, "plan.order_refused", plan, by: Caller.worker(for: plan.accountID, actor: actor), job: job, on: connection, now: now)
        return .released(plan)
    }

    /// Sets a plan that was never delivered to cancelled and puts its stock back; its hold is released in the same transaction.
    ///
    /// - Returns: nil when its order has gone to the upstream and that is to count, or when it is not pending.
    func cancelPending(_ id: Identifier, reason: String?, evenIfSent: Bool, on connection: Connection, now: Instant) throws -> Plan? {
        guard let row = try connection.run(SQL.Plans.cancelPending, id, now, reason, evenIfSent).first else { return nil }
        let plan = try Plan(row)
        try business.products.returnStock(plan.quantity, of: plan.productID, on: connection)
        return plan
    }
}
