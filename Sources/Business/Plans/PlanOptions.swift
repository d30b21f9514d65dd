package import JSON

/// What a buyer may choose beside the quantity.
package struct PlanOptions: Sendable, Hashable {
    /// ISO 3166, two capitals.
    package var country: String?

    package init(country: String? = nil) {
        self.country = country
    }

    /// Reads a request's options; an unknown one is an error and not ignored, because it would be missed after paying.
    ///
    /// - Throws: `BusinessError` `unknown_option`, `invalid_country`.
    package init(checking json: JSONValue?, field: String = "/options") throws(BusinessError) {
        guard let json, !json.isNull else { return }
        guard let object = json.object else { throw BusinessError(.invalid, "unknown_option", "Options are an object.", field: field) }
        for member in object.members {
            guard member.key == "country" else {
                throw BusinessError(.invalid, "unknown_option", "There is no option \"\(member.key.prefix(40))\".", field: "\(field)/\(member.key)")
            }
            guard let country = member.value.string else {
                throw BusinessError(.invalid, "invalid_country", "A country is two capitals: DE.", field: field + "/country")
            }
            self.country = country
        }
    }

    package var json: JSONValue { country.map { ["country": .string($0)] } ?? .object([:]) }
}
