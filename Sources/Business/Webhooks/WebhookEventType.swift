/// The events that endpoints can subscribe to; the list grows with the parts that produce them.
package enum WebhookEventType: String, Sendable, CaseIterable {
    case planPurchased = "plan.purchased"
    case planExtended = "plan.extended"
    case planExpired = "plan.expired"
    case planCancelled = "plan.cancelled"
    case balanceLow = "balance.low"
    case apiKeyCreated = "api_key.created"
    case apiKeyDeleted = "api_key.deleted"
    case jobDead = "job.dead"
    /// Sent to an endpoint's own account when it was disabled after failing for long.
    case endpointDisabled = "webhook.endpoint_disabled"
    /// Sent to an endpoint's own account, on its other endpoints: its breaker has opened after failures, and has closed again.
    case breakerOpened = "webhook.breaker_opened"
    case breakerClosed = "webhook.breaker_closed"
    /// Sent to one endpoint on request.
    case test

    /// What the documentation says about it.
    package var summary: String {
        switch self {
        case .planPurchased: "A purchase was captured and its plan is active."
        case .planExtended: "A plan was extended."
        case .planExpired: "A plan's time is over."
        case .planCancelled: "A plan was cancelled, or its order was refused upstream."
        case .balanceLow: "A wallet's available money fell below its threshold."
        case .apiKeyCreated: "An API key was created."
        case .apiKeyDeleted: "An API key was deleted."
        case .jobDead: "A job of the account ended as dead."
        case .endpointDisabled: "A webhook endpoint was disabled because its deliveries kept failing."
        case .breakerOpened: "A webhook endpoint failed several times in a row and is not called for now; its deliveries wait."
        case .breakerClosed: "A webhook endpoint whose breaker had opened is called freely again."
        case .test: "Sent by the test button."
        }
    }
}
