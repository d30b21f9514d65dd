internal import Business
internal import Bytes
internal import JSON
internal import Postgres

/// What can be bought.
enum ProductRoutes {
    static let operations: [String: Operation] = [
        "listProducts": .read { call, connection in try list(call, connection) },
        "getProduct": .read { call, connection in
            .ok(try shown(call.business.products.find(call.name("code"), by: call.caller, on: connection), to: call.caller))
        },
        "createProduct": .change { call, connection in
            let product = try call.business.products.create(ProductDraft(call.body), by: call.caller, on: connection)
            return .created(try product.staffJSON, at: "/products/" + product.code)
        },
        "updateProduct": .change { call, connection in
            .ok(try call.business.products.update(call.name("code"), by: call.caller, on: connection) { try $0.change(call.body) }.staffJSON)
        },
        "setPriceOverride": .change { call, connection in
            let override = try call.body["pricing"].map { value throws(BusinessError) in try PriceOverride(checking: value) }
            try call.business.products.setOverride(override, of: call.name("code"), for: call.id("accountId"), by: call.caller, on: connection)
            return .done
        },
    ]

    static func list(_ call: Call, _ connection: Connection) throws -> Reply {
        let products = try call.business.products.list(
            family: call.query.choice("family"), proxyType: call.query.choice("proxyType"), by: call.caller, on: connection)
        return .list(try products.map { try shown($0, to: call.caller) })
    }

    /// The operator's staff also see where a product comes from.
    private static func shown(_ product: Product, to caller: Caller) throws -> JSONValue {
        try caller.role.isStaff ? product.staffJSON : product.json
    }
}

extension ProductDraft {
    init(_ fields: Fields) throws {
        let pricing = try Pricing(checking: fields.required("pricing", fields["pricing"]))
        self.init(code: try fields.required("code", fields.text("code")), name: try fields.required("name", fields.text("name")), pricing: pricing)
        if let family: Product.Family = fields.choice("family") { self.family = family }
        proxyType = fields.choice("proxyType")
        provider = fields.text("provider") ?? provider
        currency = fields.text("currency") ?? currency
        try change(fields)
    }

    /// Takes over what the fields name.
    mutating func change(_ fields: Fields) throws {
        name = fields.text("name") ?? name
        if fields.has("providerProduct") { providerProduct = fields.text("providerProduct") }
        if let value = fields["pricing"] { pricing = try Pricing(checking: value) }
        if fields.has("includedBytes") { includedBytes = fields["includedBytes"]?.int }
        limits = fields["limits"] ?? limits
        features = fields["features"] ?? features
        countries = fields.texts("countries") ?? countries
        if fields.has("stock") { stock = fields.int("stock") }
        minimumQuantity = fields.int("minimumQuantity") ?? minimumQuantity
        maximumQuantity = fields.int("maximumQuantity") ?? maximumQuantity
        validityDays = fields.int("validityDays") ?? validityDays
        active = fields.flag("active") ?? active
    }
}
