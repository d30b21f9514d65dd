package import Bytes
package import Clocks
package import Crypto
internal import JSON
package import Postgres

/// What a worker needs to send a delivery.
package struct WebhookMessage: Sendable {
    package var deliveryID: Identifier
    package var endpointID: Identifier
    package var type: String
    package var url: String
    package var form: SignatureForm
    package var body: [UInt8]
    /// The endpoint's secret, and the one before while their overlap lasts.
    package var secrets: [WebhookSecret]

    /// The headers of an attempt.
    ///
    /// `webhook-id` is the same over all attempts, `webhook-timestamp` is the attempt's.
    package func headers(at now: Instant) -> [(name: String, value: String)] {
        let id = deliveryID.text("msg")
        switch form {
        case .standard:
            let timestamp = now.microseconds / 1_000_000
            return [
                ("webhook-id", id), ("webhook-timestamp", String(timestamp)),
                ("webhook-signature", WebhookSignature.sign(id: id, timestamp: timestamp, body: body, secrets: secrets)),
            ]
        case .seed:
            // The seeds' form knows one signature, the current secret's; the old secret's has a header of its own while it lasts.
            let names = ["X-Millrace-Signature", "X-Millrace-Signature-Previous"]
            let signatures = zip(names, secrets).map { ($0, WebhookSignature.hexadecimal(body: body, secret: $1)) }
            return [("X-Millrace-Event", type), ("X-Millrace-Delivery", id)] + signatures
        }
    }
}

extension Webhooks {
    /// Reads a delivery for sending; nil when it is not to be sent any more: its endpoint is gone or inactive, or it has ended.
    ///
    /// - Parameter job: who asks. A dead job that was put back sends what it had failed to send.
    package func message(_ delivery: Identifier, job: Identifier, now: Instant, on connection: Connection) throws -> WebhookMessage? {
        guard let row = try connection.run(SQL.WebhookDeliveries.forSending, delivery).first else { return nil }
        let (active, deleted): (Bool, Bool) = (try row("active"), try row("deleted"))
        guard active, !deleted else { return nil }
        switch WebhookDelivery.State(rawValue: try row("state")) {
        case .pending: break
        case .failed where try row("job_id") == job: break
        case .failed, .delivered, .cancelled, nil: return nil
        }
        let endpoint: Identifier = try row("endpoint_id")
        var sealed: [[UInt8]] = [try row("secret")]
        if let previous: [UInt8] = try row("previous_secret"), let until: Instant = try row("previous_secret_until"), until > now {
            sealed.append(previous)
        }
        let secrets = try sealed.map {
            try WebhookSecret(business.keys.openText($0, associated: "webhook_endpoint:\(endpoint)").reveal)
        }
        return WebhookMessage(
            deliveryID: delivery, endpointID: endpoint, type: try row("type"), url: try row("url"),
            form: SignatureForm(rawValue: try row("signature_form")) ?? .standard, body: try row("body"), secrets: secrets)
    }

    /// Writes down that a delivery will not be sent.
    package func abandon(_ delivery: Identifier, on connection: Connection) throws {
        try connection.run(SQL.WebhookDeliveries.cancel, delivery)
    }

    /// Writes down an attempt and what follows for the delivery and its endpoint, in the transaction of the job's transition.
    ///
    /// - Parameters:
    ///   - final: no further attempt follows.
    ///   - gone: the receiver answered 410: the endpoint is disabled at once.
    package func record(
        _ attempt: WebhookAttempt, of message: WebhookMessage, delivered: Bool, final: Bool, gone: Bool, on connection: Connection
    ) throws {
        let state: WebhookDelivery.State = delivered ? .delivered : final ? .failed : .pending
        try connection.run(
            SQL.WebhookDeliveries.record, message.deliveryID, state.rawValue, attempt.startedAt, attempt.durationMicroseconds, attempt.status,
            attempt.errorCode, attempt.error, attempt.responseBody, attempt.responseTruncated, attempt.remoteAddress, attempt.timings[0],
            attempt.timings[1], attempt.timings[2], attempt.timings[3])
        if delivered { return }
        if gone { return try disable(message.endpointID, "the receiver answered 410 Gone", on: connection) }
        try disableIfHopeless(message.endpointID, on: connection)
    }

    /// Disables an endpoint whose last attempts failed so often *and* for so long: a short outage of a busy endpoint fails often, a quiet endpoint that
    /// failed a few times may have failed for long.
    private func disableIfHopeless(_ endpoint: Identifier, on connection: Connection) throws {
        let limit = business.rules.webhookDisableAfterFailures
        guard let row = try connection.run(SQL.WebhookEndpoints.streak, endpoint, limit).first, let since: Instant = try row("failing_since") else {
            return
        }
        let failures: Int = try row("failures")
        guard failures >= limit, Instant.now - since >= business.rules.webhookDisableAfter else { return }
        try disable(endpoint, "every attempt since \(since.text) failed, \(failures) at least", on: connection)
    }

    /// Disables an endpoint and tells its account, by the other endpoints and by the audit log.
    private func disable(_ endpoint: Identifier, _ reason: String, on connection: Connection) throws {
        guard let row = try connection.run(SQL.WebhookEndpoints.disable, endpoint, reason).first else { return }
        let account: Identifier = try row("account_id")
        try business.audit.write(
            action: "webhook_endpoint.disable", resource: ("webhook_endpoint", endpoint), account: account, by: nil,
            after: ["active": false, "disabledReason": .string(reason)], on: connection)
        try emit(
            .endpointDisabled, account: account,
            data: ["endpointId": .string(endpoint.text("we")), "url": .string(try row("url")), "reason": .string(reason)], on: connection)
    }
}
