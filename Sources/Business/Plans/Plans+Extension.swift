package import Bytes
package import Clocks
internal import JSON
package import Postgres

extension Plans {
    /// Extends a plan by what a price check of purpose `extension` showed: one transaction, all or nothing, as `requestPurchase`.
    ///
    /// The job is of kind `plan.extend`, or of an upstream's product `plan.order_extension`.
    ///
    /// - Throws: `BusinessError` `permission_denied` (`plans.extend`), `not_found`, `price_check_used`, `price_check_expired`, `price_check_purpose`,
    ///   `plan_not_extendable`, `product_inactive`, `provider_unavailable`, `insufficient_balance` (402), `no_wallet`.
    package func requestExtension(
        _ priceCheckID: Identifier, trace: String? = nil, by caller: Caller, on connection: Connection, now: Instant = .now
    ) throws -> PlanRequest {
        try caller.require(.plansExtend)
        let jobID = Identifier.next()
        let check = try business.priceChecks.consume(priceCheckID, for: .extension, plan: nil, job: jobID, by: caller, on: connection, now: now)
        guard let planID = check.planID else { throw BusinessError.notFound("plan") }
        let product = try business.products.read(id: check.productID, pricedFor: check.accountID, on: connection)
        try product.requireSold()
        let holdID = try business.wallets.hold(
            check.price, currency: check.currency, account: check.accountID, reason: "plan.extend", reference: WalletEntry.Reference("plan", planID),
            job: jobID, on: connection, now: now)
        // Read under the wallet's lock, which a cancel takes too: a plan that is extendable here stays so until the hold is seen.
        let plan = try read(planID, on: connection)
        try plan.requireExtendable()
        try enqueue(
            product.driver == .native ? "plan.extend" : "plan.order_extension", jobID,
            PlanJobPayload(plan: planID, hold: holdID, priceCheck: check.id), account: check.accountID, by: caller, trace: trace, on: connection,
            now: now)
        try business.audit.write(
            action: "plan.extension_requested", resource: (type: "plan", id: planID), account: check.accountID, by: caller,
            metadata: [
                "priceCheckId": .string(check.id.text("check")), "holdId": .string(holdID.text("hold")), "price": .string(check.price.description),
                "quantity": .int(Int64(check.quantity)),
            ], job: jobID, on: connection)
        return PlanRequest(plan: plan, jobID: jobID, holdID: holdID)
    }

    /// Delivers an extension; runs in the transaction of its job.
    ///
    /// However often it runs, it takes effect once.
    ///
    /// - Parameter upstream: what the provider delivered; nil for a plan that is served here.
    package func completeExtension(
        _ payload: PlanJobPayload, upstream: UpstreamDelivery? = nil, job: Identifier, actor: Identifier? = nil, on connection: Connection,
        now: Instant = .now
    ) throws -> PlanDelivery {
        let end = try business.wallets.capture(
            payload.holdID, as: .extension, for: payload.reference, actor: actor, job: job, on: connection, now: now)
        switch end {
        case .earlier(.captured): return .repeated(try read(payload.planID, on: connection))
        case .earlier: return .released(try read(payload.planID, on: connection))
        case .now: break
        }
        let terms = try self.terms(of: payload, on: connection)
        let rows = try connection.run(
            SQL.Plans.extend, payload.planID, terms.addedQuantity, upstream?.quotaBytes ?? terms.quotaBytes, terms.months, terms.days,
            upstream?.expiresAt,
            now)
        // A plan with an open extension is not cancelled, so this is a defect, and the transaction must not commit.
        guard let row = rows.first else { throw BusinessError(.gone, "plan_not_extendable", "The plan cannot be extended any more.") }
        let plan = try Plan(row)
        try record(
            .planExtended, "plan.extended", plan, by: Caller.worker(for: plan.accountID, actor: actor), job: job,
            extra: ["charged": .string(terms.price.description), "extendedBy": .int(Int64(terms.quantity))], on: connection, now: now)
        return .done(plan)
    }

    /// Ends an extension that the upstream refused for good: the money is free again, the plan stays as it is.
    ///
    /// - Parameter reason: for people; no secret.
    @discardableResult
    package func releaseExtension(
        _ payload: PlanJobPayload, reason: String, job: Identifier? = nil, actor: Identifier? = nil, on connection: Connection, now: Instant = .now
    ) throws -> PlanDelivery {
        let end = try business.wallets.release(payload.holdID, for: payload.reference, on: connection, now: now)
        let plan = try read(payload.planID, on: connection)
        guard end == .now else { return end == .earlier(.captured) ? .repeated(plan) : .released(plan) }
        try business.audit.write(
            action: "plan.extension_refused", resource: (type: "plan", id: plan.id), account: plan.accountID,
            by: Caller.worker(for: plan.accountID, actor: actor), metadata: ["reason": .string(reason)], job: job, on: connection)
        return .released(plan)
    }
}
