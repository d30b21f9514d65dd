internal import Clocks
internal import JSON

/// The two forms in which an endpoint can have its events.
package enum SignatureForm: String, Sendable, CaseIterable {
    /// Standard Webhooks 1.0.0: `webhook-id`, `webhook-timestamp`, `webhook-signature`; body `{type, timestamp, data}`.
    case standard
    /// The seeds' form (iploop-prd, section 5.8): `X-Millrace-Signature`, hex HMAC-SHA256 of the body, `X-Millrace-Event`; body `{event, timestamp, data}`.
    case seed

    /// The bytes that are stored, signed and sent.
    func body(type: WebhookEventType, at now: Instant, data: JSONValue) -> [UInt8] {
        let name = self == .standard ? "type" : "event"
        return JSONValue.object([name: .string(type.rawValue), "timestamp": .string(now.text), "data": data]).serialized()
    }
}
