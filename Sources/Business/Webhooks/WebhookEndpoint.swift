package import Bytes
package import Clocks
package import JSON
internal import Postgres

/// A subscriber's URL with what it wants to hear.
///
/// Its secret is shown once, at creation and at each rotation.
package struct WebhookEndpoint: Sendable {
    package var id: Identifier
    package var accountID: Identifier
    package var url: String
    package var description: String
    /// Event names, or `*`.
    package var events: [String]
    package var form: SignatureForm
    package var active: Bool
    package var disabledReason: String?
    /// Deliveries on their way to it at a time, and begun in a second (nil: no limit), over all workers.
    package var maximumInFlight: Int
    package var ratePerSecond: Int?
    package var phase: EndpointHealth.Phase
    package var phaseSince: Instant?
    /// When the next probe may go.
    package var phaseUntil: Instant?
    package var phaseReason: String?
    /// How many at a time while it ramps up.
    package var rampAllows: Int?
    package var isSlow: Bool
    package var failures: Int
    package var failingSince: Instant?
    package var lastSuccessAt: Instant?
    package var lastFailureAt: Instant?
    package var lastTriggeredAt: Instant?
    package var previousSecretUntil: Instant?
    package var createdAt: Instant

    init(_ row: Row) throws {
        id = try row("id")
        accountID = try row("account_id")
        url = try row("url")
        description = try row("description")
        events = try row("events")
        form = SignatureForm(rawValue: try row("signature_form")) ?? .standard
        active = try row("active")
        disabledReason = try row("disabled_reason")
        maximumInFlight = try row("max_in_flight")
        ratePerSecond = try row("rate_per_second")
        phase = EndpointHealth.Phase(rawValue: try row("phase")) ?? .closed
        phaseSince = try row("phase_since")
        phaseUntil = try row("phase_until")
        phaseReason = try row("reason")
        rampAllows = phase == .ramping ? try row("allowed") : nil
        isSlow = try row("is_slow")
        failures = try row("failures")
        failingSince = try row("failing_since")
        lastSuccessAt = try row("last_success_at")
        lastFailureAt = try row("last_failure_at")
        lastTriggeredAt = try row("last_triggered_at")
        previousSecretUntil = try row("previous_secret_until")
        createdAt = try row("created_at")
    }

    /// As the API shows it.
    package var json: JSONValue {
        [
            "id": .string(id.text("we")), "accountId": .string(accountID.text("acct")), "url": .string(url), "description": .string(description),
            "events": .array(events.map(JSONValue.string)), "signatureForm": .string(form.rawValue), "active": .bool(active),
            "disabledReason": disabledReason.map(JSONValue.string) ?? .null, "failureCount": .int(Int64(failures)),
            "failingSince": .time(failingSince), "lastSuccessAt": .time(lastSuccessAt), "lastFailureAt": .time(lastFailureAt),
            "lastTriggeredAt": .time(lastTriggeredAt), "previousSecretUntil": .time(previousSecretUntil), "createdAt": .time(createdAt),
            "maxInFlight": .int(Int64(maximumInFlight)), "ratePerSecond": ratePerSecond.map { .int(Int64($0)) } ?? .null, "health": health,
        ]
    }

    /// What the breaker makes of it.
    private var health: JSONValue {
        let hasPhase = phase != .closed
        return [
            "state": .string(phase.rawValue), "since": hasPhase ? .time(phaseSince) : .null,
            "nextProbeAt": phase == .open ? .time(phaseUntil) : .null,
            "reason": hasPhase ? phaseReason.map(JSONValue.string) ?? .null : .null,
            "inFlightAllowed": .int(Int64(phase == .closed ? maximumInFlight : min(rampAllows ?? (phase == .probing ? 1 : 0), maximumInFlight))),
            "slow": .bool(isSlow),
        ]
    }
}

extension JSONValue {
    /// A time as the API writes it; null when there is none.
    package static func time(_ instant: Instant?) -> JSONValue { instant.map { .string($0.text) } ?? .null }
}
