package import Bytes
package import Clocks
internal import Crypto
internal import Engine
internal import JSON
package import Postgres

extension Plans {
    /// Buys what a price check showed: one transaction, all or nothing.
    ///
    /// Afterwards the check is used up, the money is held, the plan is `pending`, and a job of kind `plan.purchase` (or, of an upstream's product,
    /// `plan.order`) is on record that will deliver. When the wallet does not cover it nothing has happened, and the check can be used again.
    ///
    /// - Parameter trace: W3C traceparent of the request.
    /// - Throws: `BusinessError` `permission_denied` (`plans.purchase`), `not_found`, `price_check_used`, `price_check_expired`, `product_inactive`,
    ///   `provider_unavailable`, `out_of_stock`, `insufficient_balance` (402), `no_wallet`, `invalid_text`.
    package func requestPurchase(
        _ priceCheckID: Identifier, customerReference: String? = nil, groupName: String? = nil, trace: String? = nil, by caller: Caller,
        on connection: Connection, now: Instant = .now
    ) throws -> PlanRequest {
        try caller.require(.plansPurchase)
        try Self.check(customerReference, "/customerReference")
        try Self.check(groupName, "/group")
        let planID = Identifier.next()
        let jobID = Identifier.next()
        let check = try business.priceChecks.consume(
            priceCheckID, for: .purchase, plan: planID, job: jobID, by: caller, on: connection, now: now)
        let product = try business.products.read(id: check.productID, pricedFor: check.accountID, on: connection)
        try product.requireSold()
        let holdID = try business.wallets.hold(
            check.price, currency: check.currency, account: check.accountID, reason: "plan.purchase",
            reference: WalletEntry.Reference("plan", planID), job: jobID, on: connection, now: now)
        try connection.run(
            SQL.Plans.insert, planID, check.accountID, check.productID, product.providerID, check.quantity, check.period, check.price, check.currency,
            customerReference, groupName, check.options.json, holdID, jobID, now)
        try business.products.takeStock(check.quantity, of: product, on: connection)
        let plan = try read(planID, on: connection)
        try enqueue(
            product.driver == .native ? "plan.purchase" : "plan.order", jobID, PlanJobPayload(plan: planID, hold: holdID, priceCheck: check.id),
            account: check.accountID, by: caller, trace: trace, on: connection, now: now)
        try business.audit.write(
            action: "plan.purchase_requested", resource: (type: "plan", id: planID), account: check.accountID, by: caller, after: plan.json,
            metadata: ["priceCheckId": .string(check.id.text("check")), "holdId": .string(holdID.text("hold"))], job: jobID, on: connection)
        return PlanRequest(plan: plan, jobID: jobID, holdID: holdID)
    }

    /// Delivers a purchase of a product that is served here; runs in the transaction of its job `plan.purchase`.
    ///
    /// Captures the hold, makes the credentials, starts the plan. However often it runs, it takes effect once.
    ///
    /// - Parameter actor: the user who asked for it.
    /// - Throws: `BusinessError` `not_found`; `wrong_hold`, `username_taken` (transient, by a chance of 2⁻⁵⁰).
    package func completePurchase(
        _ payload: PlanJobPayload, job: Identifier, actor: Identifier? = nil, on connection: Connection, now: Instant = .now
    ) throws -> PlanDelivery {
        try deliver(payload, upstream: nil, job: job, actor: actor, on: connection, now: now)
    }

    /// The common end of a purchase here and of an order upstream.
    func deliver(
        _ payload: PlanJobPayload, upstream: UpstreamDelivery?, job: Identifier, actor: Identifier?, on connection: Connection, now: Instant
    ) throws -> PlanDelivery {
        let end = try business.wallets.capture(
            payload.holdID, as: .purchase, for: payload.reference, actor: actor, job: job, on: connection, now: now)
        switch end {
        case .earlier(.captured): return .repeated(try read(payload.planID, on: connection))
        case .earlier: return .released(try read(payload.planID, on: connection))
        case .now: break
        }
        let terms = try self.terms(of: payload, on: connection)
        let credentials = upstream?.credentials ?? (terms.family == .proxy ? PlanCredentials.native(business.rules) : nil)
        let plan = try activate(payload.planID, terms, credentials, upstream, job: job, on: connection, now: now)
        try record(
            .planPurchased, "plan.purchased", plan, by: Caller.worker(for: plan.accountID, actor: actor), job: job,
            extra: ["charged": .string(plan.price.description)], on: connection, now: now)
        return .done(plan)
    }

    private func activate(
        _ id: Identifier, _ terms: PlanTerms, _ credentials: PlanCredentials?, _ upstream: UpstreamDelivery?, job: Identifier,
        on connection: Connection, now: Instant
    ) throws -> Plan {
        let sealed = try credentials.map { try business.keys.seal($0.password, associated: Self.associated(id)).bytes }
        let rows: Rows
        do throws(PostgresError) {
            rows = try connection.run(
                SQL.Plans.activate, id, credentials?.username, sealed, credentials?.host, credentials?.httpPort, credentials?.socksPort,
                upstream?.quotaBytes ?? terms.quotaBytes, upstream?.reference, now, terms.months, terms.days, upstream?.expiresAt, job)
        } catch {
            guard error.constraint == "plans_username_key" else { throw error }
            throw BusinessError(.unavailable, "username_taken", "The user name was taken; the next attempt makes another.")
        }
        // The hold was there to be captured, so the plan is pending; anything else is a defect, and the transaction must not commit.
        guard let row = rows.first else { throw BusinessError(.gone, "plan_not_pending", "The plan is not waiting for its delivery.") }
        return try Plan(row)
    }

    func terms(of payload: PlanJobPayload, on connection: Connection) throws -> PlanTerms {
        guard let row = try connection.run(SQL.Plans.terms, payload.priceCheckID, payload.planID).first else {
            throw BusinessError.notFound("price check")
        }
        return try PlanTerms(row)
    }

    func enqueue(
        _ kind: String, _ id: Identifier, _ payload: PlanJobPayload, account: Identifier, by caller: Caller, trace: String?,
        on connection: Connection,
        now: Instant
    ) throws {
        let job = NewJob(kind, payload.json, id: id, account: account, actor: caller.actorID, trace: trace)
        try business.ledger.enqueue(job, on: connection, now: now)
    }

    /// What the password's box is tied to: copied to another plan it does not open.
    static func associated(_ planID: Identifier) -> String { "plans.password:\(planID)" }

    static func check(_ text: String?, _ field: String) throws(BusinessError) {
        guard let text else { return }
        let isPlain = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
        guard (1...100).contains(text.count), isPlain else {
            throw BusinessError(.invalid, "invalid_text", "This has 1–100 characters, none of them a control character.", field: field)
        }
    }
}
