package import Clocks

/// What an upstream delivered.
package struct UpstreamDelivery: Sendable {
    /// The upstream's id of the plan.
    package var reference: String
    /// Nil on an extension that leaves them as they are.
    package var credentials: PlanCredentials?
    /// Bytes in all, of an extension the bytes that it adds; nil: what was bought.
    package var quotaBytes: Int64?
    /// When the plan ends now; nil: by what was bought.
    package var expiresAt: Instant?

    package init(reference: String, credentials: PlanCredentials?, quotaBytes: Int64? = nil, expiresAt: Instant? = nil) {
        self.reference = reference
        self.credentials = credentials
        self.quotaBytes = quotaBytes
        self.expiresAt = expiresAt
    }
}
