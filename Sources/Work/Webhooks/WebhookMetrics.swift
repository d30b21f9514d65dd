internal import Business
internal import Telemetry

/// What the sending of webhooks counts beyond its jobs.
struct WebhookMetrics: Sendable {
    /// Why a delivery was put back without being sent.
    enum Reason: String, CaseIterable {
        /// Its endpoint is not called at this moment.
        case breaker
        /// It goes on in the slow lane.
        case lane
    }

    private let held: [Reason: Counter]
    private let phases: [EndpointHealth.Phase: Counter]

    init(_ registry: MetricRegistry) {
        held = Dictionary(
            uniqueKeysWithValues: Reason.allCases.map { reason in
                (
                    reason,
                    registry.counter(
                        "millrace_webhook_held_back_total", "Deliveries that were put back without being sent and without spending an attempt.",
                        labels: ["reason": reason.rawValue])
                )
            })
        phases = Dictionary(
            uniqueKeysWithValues: EndpointHealth.Phase.allCases.map { phase in
                (
                    phase,
                    registry.counter(
                        "millrace_webhook_breaker_entered_total", "Phases that endpoints' breakers entered, except for probing.",
                        labels: ["phase": phase.rawValue])
                )
            })
    }

    func heldBack(_ reason: Reason) { held[reason]?.increment() }

    func entered(_ phase: EndpointHealth.Phase) { phases[phase]?.increment() }
}
