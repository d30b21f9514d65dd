extension Product {
    /// - Throws: `BusinessError` `product_inactive`, `provider_unavailable`.
    func requireSold() throws(BusinessError) {
        guard active else { throw BusinessError(.conflict, "product_inactive", "This product is not sold any more.", field: "/productCode") }
        guard providerActive else {
            throw BusinessError(.unavailable, "provider_unavailable", "This product cannot be delivered at the moment. Try again later.")
        }
    }

    /// - Throws: `BusinessError` `quantity_out_of_range`.
    func require(quantity: Int, atLeast minimum: Int) throws(BusinessError) {
        guard quantity >= minimum, quantity <= maximumQuantity else {
            throw BusinessError(
                .invalid, "quantity_out_of_range", "The quantity is between \(minimum) and \(maximumQuantity).", field: "/quantity")
        }
    }

    /// - Throws: `BusinessError` `country_not_offered`.
    func require(country: String?) throws(BusinessError) {
        guard let country else { return }
        guard countries.contains(country) else {
            throw BusinessError(
                .invalid, "country_not_offered",
                countries.isEmpty ? "This product has no choice of countries." : "This product is not offered in that country.",
                field: "/options/country")
        }
    }
}
