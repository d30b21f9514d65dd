package import Clocks
internal import Crypto

/// What staff found at the upstream for an order that they complete by hand.
package struct OrderDelivery: Sendable {
    /// The upstream's id of the plan; nil where we know it.
    package var reference: String?
    package var credentials: PlanCredentials?
    /// Bytes in all, of an extension the bytes that it adds; nil: what was bought.
    package var quotaBytes: Int64?
    /// When the plan ends; nil: by what was bought, from now on.
    package var expiresAt: Instant?

    package init(reference: String? = nil, credentials: PlanCredentials? = nil, quotaBytes: Int64? = nil, expiresAt: Instant? = nil) {
        self.reference = reference
        self.credentials = credentials
        self.quotaBytes = quotaBytes
        self.expiresAt = expiresAt
    }

    /// What the order's upstream would have delivered.
    ///
    /// - Throws: `BusinessError` `invalid_delivery` with the field, `provider_reference_differs`.
    func checked(for order: Order, now: Instant) throws(BusinessError) -> UpstreamDelivery {
        if let reference {
            guard (1...100).contains(reference.count) else { throw Self.invalid("/reference", "A reference has 1–100 characters.") }
            if let known = order.providerReference, known != reference {
                throw BusinessError(
                    .conflict, "provider_reference_differs", "The provider has answered with \(known) before; this is another plan.",
                    field: "/reference")
            }
        }
        guard let reference = reference ?? order.providerReference else {
            throw Self.invalid("/reference", "Nobody knows the provider's id of this plan: give it.")
        }
        if let expiresAt, expiresAt <= now { throw Self.invalid("/expiresAt", "The plan would have ended already.") }
        if let quotaBytes, quotaBytes < 0 { throw Self.invalid("/quotaBytes", "A volume is not negative.") }
        if order.isExtension {
            if credentials != nil { throw Self.invalid("/credentials", "An extension leaves the plan's credentials as they are.") }
        } else if let credentials {
            try Self.check(credentials)
        } else if order.family == .proxy {
            throw Self.invalid("/credentials", "The customer gets what the provider made: give its user name, password and host.")
        }
        return UpstreamDelivery(reference: reference, credentials: credentials, quotaBytes: quotaBytes, expiresAt: expiresAt)
    }

    private static func check(_ credentials: PlanCredentials) throws(BusinessError) {
        for (field, text, longest) in [
            ("username", credentials.username, 100), ("password", credentials.password.reveal, 200), ("host", credentials.host, 253),
        ] where !(1...longest).contains(text.utf8.count) || !text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
            throw invalid("/credentials/\(field)", "This has 1–\(longest) printable ASCII characters and no space.")
        }
        for (field, port) in [("httpPort", credentials.httpPort), ("socksPort", credentials.socksPort)] {
            if let port, !(1...65535).contains(port) { throw invalid("/credentials/\(field)", "A port is between 1 and 65535.") }
        }
    }

    private static func invalid(_ field: String, _ message: String) -> BusinessError {
        BusinessError(.invalid, "invalid_delivery", message, field: field)
    }
}
