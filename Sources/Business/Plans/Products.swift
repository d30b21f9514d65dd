package import Bytes
package import Clocks
internal import JSON
package import Postgres

/// Products: what can be bought, and at which price by whom.
package struct Products {
    let business: Business

    /// The products with the caller's prices; the operator's staff see inactive ones too.
    ///
    /// - Throws: `BusinessError` `permission_denied` (`products.view`).
    package func list(
        family: Product.Family? = nil, proxyType: Product.ProxyType? = nil, by caller: Caller, on connection: Connection
    ) throws -> [Product] {
        try caller.require(.productsView)
        return try connection.run(SQL.Products.list, caller.accountID, caller.role.isStaff, family, proxyType).map { try Product($0) }
    }

    /// One product by its code, with the caller's price.
    ///
    /// What is not sold any more is only there for the operator's staff.
    ///
    /// - Throws: `BusinessError` `permission_denied`, `not_found`.
    package func find(_ code: String, by caller: Caller, on connection: Connection) throws -> Product {
        try caller.require(.productsView)
        let product = try read(code: code, pricedFor: caller.accountID, on: connection)
        guard product.active || caller.role.isStaff else { throw BusinessError.notFound("product") }
        return product
    }

    /// Makes a product.
    ///
    /// - Throws: `BusinessError` `permission_denied` (`products.edit`), `operator_only`, `invalid_product`, `invalid_pricing`, `unknown_provider`,
    ///   `code_taken`.
    package func create(_ draft: ProductDraft, by caller: Caller, on connection: Connection, now: Instant = .now) throws -> Product {
        try requireEditor(caller)
        try draft.check()
        let id = Identifier.next()
        let inserted = try connection.run(
            SQL.Products.insert, id, draft.code, draft.name, draft.family, draft.proxyType, try provider(draft.provider, on: connection),
            draft.providerProduct, draft.currency, try JSONValue(encoding: draft.pricing), draft.includedBytes, draft.limits, draft.features,
            draft.countries, draft.stock, draft.minimumQuantity, draft.maximumQuantity, draft.validityDays, draft.active, now)
        if inserted.isEmpty { throw BusinessError(.conflict, "code_taken", "Another product has this code.", field: "/code") }
        let product = try read(id: id, pricedFor: caller.accountID, on: connection)
        try business.audit.write(
            action: "product.create", resource: (type: "product", id: id), account: caller.accountID, by: caller, after: try product.staffJSON,
            on: connection)
        return product
    }

    /// Changes a product: the body gets it as it is and leaves it as it is to be.
    ///
    /// Code, family, currency and provider stay.
    ///
    /// What has been bought keeps its price, and so does a price check until it expires.
    /// - Throws: `BusinessError` as `create`, and `not_found`, `fixed_field`.
    package func update(
        _ code: String, by caller: Caller, on connection: Connection, now: Instant = .now, _ change: (inout ProductDraft) throws -> Void
    ) throws -> Product {
        try requireEditor(caller)
        // Locked first: a sale in between would otherwise be undone by writing the stock that was read before it.
        guard try !connection.run(SQL.Products.lock, code).isEmpty else { throw BusinessError.notFound("product") }
        let before = try read(code: code, pricedFor: caller.accountID, on: connection)
        var draft = ProductDraft(before)
        try change(&draft)
        try draft.check()
        guard draft.code == before.code, draft.family == before.family, draft.currency == before.currency, draft.provider == before.providerName,
            draft.proxyType == before.proxyType, draft.pricing.model == before.listPricing.model
        else {
            throw BusinessError(
                .conflict, "fixed_field", "A product's code, family, type, currency, provider and price model do not change. Make a new product.")
        }
        try connection.run(
            SQL.Products.update, before.id, draft.name, draft.providerProduct, try JSONValue(encoding: draft.pricing), draft.includedBytes,
            draft.limits,
            draft.features, draft.countries, draft.stock, draft.minimumQuantity, draft.maximumQuantity, draft.validityDays, draft.active, now)
        let after = try read(id: before.id, pricedFor: caller.accountID, on: connection)
        let changes = Difference(try before.staffJSON, try after.staffJSON)
        if !changes.isEmpty {
            try business.audit.write(
                action: "product.update", resource: (type: "product", id: before.id), account: caller.accountID, by: caller,
                before: changes.before, after: changes.after, on: connection)
        }
        return after
    }

    /// Gives an account a price of its own, for itself and everybody below it; nil takes it away again.
    ///
    /// - Throws: `BusinessError` `permission_denied`, `operator_only`, `not_found`, `invalid_pricing` for another model than the product's.
    package func setOverride(
        _ override: PriceOverride?, of code: String, for accountID: Identifier, by caller: Caller, on connection: Connection
    ) throws {
        try requireEditor(caller)
        let product = try read(code: code, pricedFor: accountID, on: connection)
        if try connection.run(SQL.Wallets.isVisible, caller.accountID, accountID).isEmpty { throw BusinessError.notFound("account") }
        if case .rule(let pricing) = override, pricing.model != product.listPricing.model {
            throw BusinessError(
                .invalid, "invalid_pricing", "This product is priced \(product.listPricing.model), and so must be its overrides.",
                field: "/pricing/model")
        }
        if let override {
            try connection.run(SQL.Products.setOverride, product.id, accountID, try override.json)
        } else {
            try connection.run(SQL.Products.removeOverride, product.id, accountID)
        }
        try business.audit.write(
            action: "product.price_override", resource: (type: "product", id: product.id), account: accountID, by: caller,
            before: try JSONValue(encoding: product.pricing), after: try override?.json, on: connection)
    }

    func read(code: String, pricedFor accountID: Identifier, on connection: Connection) throws -> Product {
        try first(connection.run(SQL.Products.find, accountID, code, nil))
    }

    func read(id: Identifier, pricedFor accountID: Identifier, on connection: Connection) throws -> Product {
        try first(connection.run(SQL.Products.find, accountID, nil, id))
    }

    private func first(_ rows: Rows) throws -> Product {
        guard let row = rows.first else { throw BusinessError.notFound("product") }
        return try Product(row)
    }

    private func provider(_ name: String, on connection: Connection) throws -> Identifier {
        guard let row = try connection.run(SQL.Providers.findByName, name).first else {
            throw BusinessError(.invalid, "unknown_provider", "There is no such provider.", field: "/provider")
        }
        return try row("id")
    }

    private func requireEditor(_ caller: Caller) throws(BusinessError) {
        try caller.require(.productsEdit)
        try Wallets.requireStaff(caller)
    }
}

extension Business {
    package var products: Products { Products(business: self) }
}
