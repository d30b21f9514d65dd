package import Bytes
package import Clocks
internal import JSON
package import Postgres

/// Price checks: nobody is charged another price than was shown, nor twice on one check.
///
/// The price is worked out and stored here; the purchase names the check and uses it up by a conditional update in the transaction that also holds the
/// money, so a refused purchase leaves the check as it was.
package struct PriceChecks {
    let business: Business

    /// Shows the price of a new plan.
    ///
    /// - Parameter accountID: who would buy; nil: the caller's account.
    /// - Throws: `BusinessError` `permission_denied` (`products.view`), `not_found`, `product_inactive`, `out_of_stock`, `quantity_out_of_range`,
    ///   `country_not_offered`, `period_required` and what else `Pricing.parts` throws.
    package func check(
        _ query: PriceQuery.Purchase, for accountID: Identifier? = nil, by caller: Caller, on connection: Connection, now: Instant = .now
    ) throws -> PriceCheck {
        try caller.require(.productsView)
        let buyer = accountID ?? caller.accountID
        if buyer != caller.accountID, try connection.run(SQL.Wallets.isVisible, caller.accountID, buyer).isEmpty {
            throw BusinessError.notFound("account")
        }
        let product = try business.products.read(code: query.productCode, pricedFor: buyer, on: connection)
        guard product.active || caller.role.isStaff else { throw BusinessError.notFound("product") }
        try product.requireSold()
        try product.require(quantity: query.quantity, atLeast: product.minimumQuantity)
        try product.require(country: query.options.country)
        if let stock = product.stock, stock < query.quantity {
            throw BusinessError(
                .conflict, "out_of_stock", stock == 0 ? "This product is sold out." : "Only \(stock) of this product are left.", field: "/quantity")
        }
        let parts = try product.pricing.parts(of: Pricing.Order(quantity: query.quantity, period: query.period))
        let check = PriceCheck(
            account: buyer, purpose: .purchase, product: product, plan: nil, quantity: query.quantity, period: query.period, options: query.options,
            parts: parts, now: now, lifetime: business.rules.priceCheckLifetime)
        return try store(check, on: connection)
    }

    /// Shows the price of an extension of a plan.
    ///
    /// - Throws: `BusinessError` as for a purchase, and `plan_not_extendable`.
    package func check(
        _ query: PriceQuery.Extension, by caller: Caller, on connection: Connection, now: Instant = .now
    ) throws -> PriceCheck {
        try caller.require(.productsView)
        let plan = try business.plans.visible(query.planID, by: caller, on: connection)
        try plan.requireExtendable()
        let product = try business.products.read(id: plan.productID, pricedFor: plan.accountID, on: connection)
        try product.requireSold()
        let order: Pricing.Order
        let period: Period?
        if case .perPeriod = product.pricing {
            guard (1...36).contains(query.quantity) else {
                throw BusinessError(.invalid, "quantity_out_of_range", "A plan is extended by 1–36 periods at once.", field: "/quantity")
            }
            period = query.period ?? plan.period
            order = Pricing.Order(quantity: plan.quantity, period: period, periods: query.quantity)
        } else {
            try product.require(quantity: query.quantity, atLeast: 1)
            period = query.period
            order = Pricing.Order(quantity: query.quantity, period: period)
        }
        let check = PriceCheck(
            account: plan.accountID, purpose: .extension, product: product, plan: plan.id, quantity: query.quantity, period: period,
            options: PlanOptions(), parts: try product.pricing.parts(of: order), now: now, lifetime: business.rules.priceCheckLifetime)
        return try store(check, on: connection)
    }

    private func store(_ check: PriceCheck, on connection: Connection) throws -> PriceCheck {
        try connection.run(
            SQL.PriceChecks.insert, check.id, check.accountID, check.purpose, check.productID, check.planID, check.quantity, check.period,
            check.options.json, check.currency, check.price, JSONValue.array(check.parts.map(\.json)), check.createdAt, check.expiresAt)
        return check
    }

    /// Uses a check up.
    ///
    /// - Throws: `BusinessError` `not_found`, `price_check_used` (409), `price_check_expired` (410).
    func consume(
        _ id: Identifier, for purpose: PriceCheck.Purpose, plan planID: Identifier?, job: Identifier, by caller: Caller, on connection: Connection,
        now: Instant
    ) throws -> PriceCheck {
        if let row = try connection.run(SQL.PriceChecks.consume, caller.accountID, id, purpose, now, job, planID).first { return try PriceCheck(row) }
        guard let row = try connection.run(SQL.PriceChecks.find, caller.accountID, id).first else { throw BusinessError.notFound("price check") }
        let check = try PriceCheck(row)
        guard check.purpose == purpose else {
            throw BusinessError(
                .conflict, "price_check_purpose", "This price check is for \(check.purpose == .purchase ? "a purchase" : "an extension").",
                field: "/priceCheckId")
        }
        guard check.usedAt == nil else {
            throw BusinessError(.conflict, "price_check_used", "This price check has been used. Check the price again.", field: "/priceCheckId")
        }
        throw BusinessError(.gone, "price_check_expired", "This price check has expired. Check the price again.", field: "/priceCheckId")
    }

    /// A check by its id, for rules that run without a caller.
    func read(_ id: Identifier, on connection: Connection) throws -> PriceCheck {
        guard let row = try connection.run(SQL.PriceChecks.read, id).first else { throw BusinessError.notFound("price check") }
        return try PriceCheck(row)
    }
}

extension Business {
    package var priceChecks: PriceChecks { PriceChecks(business: self) }
}
