package import JSON

/// What makes a product: given whole to create one, and taken from one to change it.
package struct ProductDraft: Sendable, Hashable {
    package var code: String
    package var name: String
    package var family: Product.Family
    package var proxyType: Product.ProxyType?
    /// The provider's name; `native` provisions here.
    package var provider: String
    package var providerProduct: String?
    package var currency: String
    package var pricing: Pricing
    package var includedBytes: Int64?
    package var limits: JSONValue
    package var features: JSONValue
    package var countries: [String]
    package var stock: Int?
    package var minimumQuantity: Int
    package var maximumQuantity: Int
    package var validityDays: Int
    package var active: Bool

    package init(
        code: String, name: String, family: Product.Family = .proxy, proxyType: Product.ProxyType? = nil, provider: String = "native",
        providerProduct: String? = nil, currency: String = "USD", pricing: Pricing, includedBytes: Int64? = nil, limits: JSONValue = .object([:]),
        features: JSONValue = .object([:]), countries: [String] = [], stock: Int? = nil, minimumQuantity: Int = 1, maximumQuantity: Int = 1000,
        validityDays: Int = 30, active: Bool = true
    ) {
        self.code = code
        self.name = name
        self.family = family
        self.proxyType = proxyType
        self.provider = provider
        self.providerProduct = providerProduct
        self.currency = currency
        self.pricing = pricing
        self.includedBytes = includedBytes
        self.limits = limits
        self.features = features
        self.countries = countries
        self.stock = stock
        self.minimumQuantity = minimumQuantity
        self.maximumQuantity = maximumQuantity
        self.validityDays = validityDays
        self.active = active
    }

    init(_ product: Product) {
        self.init(
            code: product.code, name: product.name, family: product.family, proxyType: product.proxyType, provider: product.providerName,
            providerProduct: product.providerProduct, currency: product.currency, pricing: product.listPricing, includedBytes: product.includedBytes,
            limits: product.limits, features: product.features, countries: product.countries, stock: product.stock,
            minimumQuantity: product.minimumQuantity, maximumQuantity: product.maximumQuantity, validityDays: product.validityDays,
            active: product.active)
    }

    /// What a rule of a product is broken by.
    ///
    /// - Throws: `BusinessError` `invalid_product`, `invalid_pricing`.
    func check() throws {
        let letters = code.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
        try require(
            (2...60).contains(code.utf8.count) && letters && !code.hasPrefix("-"), "/code", "A code has 2–60 lower-case letters, digits and hyphens.")
        try require((1...200).contains(name.count), "/name", "A name has 1–200 characters.")
        try require(
            currency.utf8.count == 3 && currency.utf8.allSatisfy { (0x41...0x5A).contains($0) }, "/currency", "A currency is three capitals: USD.")
        try require(family != .proxy || proxyType != nil, "/proxyType", "A proxy product needs a proxy type.")
        try require((0...1_000_000_000_000_000).contains(includedBytes ?? 0), "/includedBytes", "Included bytes are between 0 and 10^15.")
        try require((stock ?? 0) >= 0 && (stock ?? 0) <= Int(Int32.max), "/stock", "A stock is not negative.")
        try require(minimumQuantity >= 1, "/minimumQuantity", "The minimum is at least 1.")
        try require((minimumQuantity...1_000_000).contains(maximumQuantity), "/maximumQuantity", "The maximum is between the minimum and 1000000.")
        try require((1...3660).contains(validityDays), "/validityDays", "The validity is 1–3660 days.")
        for (index, country) in countries.enumerated() {
            let isCode = country.utf8.count == 2 && country.utf8.allSatisfy { (0x41...0x5A).contains($0) }
            try require(isCode, "/countries/\(index)", "A country is two capitals: DE.")
        }
        for (name, value) in limits.object?.members.map({ ($0.key, $0.value) }) ?? [] {
            try require((value.int ?? -1) >= 0, "/limits/\(name)", "A limit is a whole number, not negative.")
        }
        try require(limits.object != nil, "/limits", "Limits are an object.")
        try require(features.object != nil, "/features", "Features are an object.")
        _ = try Pricing(checking: JSONValue(encoding: pricing))
    }

    private func require(_ holds: Bool, _ field: String, _ message: String) throws(BusinessError) {
        if !holds { throw BusinessError(.invalid, "invalid_product", message, field: field) }
    }
}
