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
        ]
    }
}

extension JSONValue {
    /// A time as the API writes it; null when there is none.
    package static func time(_ instant: Instant?) -> JSONValue { instant.map { .string($0.text) } ?? .null }
}
