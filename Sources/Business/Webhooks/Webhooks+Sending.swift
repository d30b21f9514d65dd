package import Bytes
package import Clocks
package import Crypto
internal import Engine
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
    /// By the database's clock.
    package var admittedAt: Instant
    /// It is the one that finds out whether its endpoint answers again.
    package var isProbe: Bool

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

/// How one attempt of a delivery ended.
package struct WebhookResult: Sendable {
    package enum Verdict: Sendable, Equatable {
        case delivered, failed
        /// The receiver answered 410: the endpoint is disabled at once.
        case gone
        /// The receiver said when to come back.
        case throttled(Duration)
    }

    package var attempt: WebhookAttempt
    package var deliveryID: Identifier
    package var endpointID: Identifier
    package var verdict: Verdict
    /// No further attempt follows.
    package var isFinal: Bool
    /// By the database's clock, so that no worker's clock matters.
    var admittedAt: Instant

    package init(_ attempt: WebhookAttempt, of message: WebhookMessage, _ verdict: Verdict, isFinal: Bool) {
        self.attempt = attempt
        deliveryID = message.deliveryID
        endpointID = message.endpointID
        admittedAt = message.admittedAt
        self.verdict = verdict
        self.isFinal = isFinal
    }

    var state: WebhookDelivery.State { verdict == .delivered ? .delivered : isFinal ? .failed : .pending }

    /// For how long the receiver does not want to see it.
    var pause: Duration? {
        guard case .throttled(let pause) = verdict, !isFinal else { return nil }
        return pause
    }

    var forBreaker: EndpointHealth.Result {
        let code = attempt.errorCode ?? "failed"
        switch verdict {
        case .delivered: return .success
        case .failed, .gone: return .failure(code: code)
        case .throttled(let pause): return .throttled(pause, code: code)
        }
    }
}

extension Webhooks {
    /// Writes down that a delivery will not be sent.
    package func abandon(_ delivery: Identifier, on connection: Connection) throws {
        try connection.run(SQL.WebhookDeliveries.cancel, delivery)
    }

    /// Writes down attempts and what follows for their deliveries and endpoints, in the transaction of the jobs' transitions: two statements for any
    /// number of them, as long as their endpoints are well.
    ///
    /// - Returns: the endpoints whose phase changed by this.
    @discardableResult
    package func record(_ results: [WebhookResult], on connection: Connection) throws -> [EndpointHealth.Phase] {
        let attempts = results.map(\.attempt)
        try connection.run(
            SQL.WebhookDeliveries.record, results.map(\.deliveryID), results.map(\.state.rawValue), attempts.map(\.startedAt),
            attempts.map(\.durationMicroseconds), attempts.map { $0.status.map(Int32.init) }, attempts.map(\.errorCode), attempts.map(\.error),
            attempts.map(\.responseBody), attempts.map(\.responseTruncated), attempts.map(\.remoteAddress), attempts.map { $0.timings[0] },
            attempts.map { $0.timings[1] }, attempts.map { $0.timings[2] }, attempts.map { $0.timings[3] })
        let throttled = results.compactMap { result in result.pause.map { (id: result.deliveryID, pause: $0) } }
        if !throttled.isEmpty {
            try connection.run(SQL.WebhookDeliveries.setNotBefore, throttled.map(\.id), throttled.map { Double($0.pause.microseconds) / 1e6 })
        }
        let gone = Set(results.filter { $0.verdict == .gone }.map(\.endpointID))
        var disabled = try gone.sorted().compactMap { try disable($0, "the receiver answered 410 Gone", on: connection) }
        let failed = Set(results.filter { $0.verdict != .delivered }.map(\.endpointID)).subtracting(gone)
        disabled += try failed.sorted().compactMap { try disableIfHopeless($0, on: connection) }
        let entered = try observe(results, on: connection)
        // What waits for them ends as its turn comes, and need not take turns as for an open breaker.
        for wish in disabled.sorted(by: { $0.endpoint < $1.endpoint }) {
            try applyLimits(of: wish.endpoint, inFlight: wish.inFlight, ratePerSecond: wish.rate, on: connection)
        }
        return entered
    }

    /// An endpoint's limits as its owner wants them.
    private typealias Wish = (endpoint: Identifier, inFlight: Int, rate: Int?)

    /// Disables an endpoint whose last attempts failed so often *and* for so long: a short outage of a busy endpoint fails often, a quiet endpoint that
    /// failed a few times may have failed for long.
    private func disableIfHopeless(_ endpoint: Identifier, on connection: Connection) throws -> Wish? {
        let limit = business.rules.webhookDisableAfterFailures
        guard let row = try connection.run(SQL.WebhookEndpoints.streak, endpoint, limit).first, let since: Instant = try row("failing_since") else {
            return nil
        }
        let failures: Int = try row("failures")
        guard failures >= limit, Instant.now - since >= business.rules.webhookDisableAfter else { return nil }
        return try disable(endpoint, "every attempt since \(since.text) failed, \(failures) at least", on: connection)
    }

    /// Disables an endpoint and tells its account, by the other endpoints and by the audit log.
    ///
    /// - Returns: nil when it was disabled already.
    private func disable(_ endpoint: Identifier, _ reason: String, on connection: Connection) throws -> Wish? {
        guard let row = try connection.run(SQL.WebhookEndpoints.disable, endpoint, reason).first else { return nil }
        let account: Identifier = try row("account_id")
        try business.audit.write(
            action: "webhook_endpoint.disable", resource: ("webhook_endpoint", endpoint), account: account, by: nil,
            after: ["active": false, "disabledReason": .string(reason)], on: connection)
        try emit(
            .endpointDisabled, account: account,
            data: ["endpointId": .string(endpoint.text("we")), "url": .string(try row("url")), "reason": .string(reason)], on: connection)
        return (endpoint, try row("max_in_flight"), try row("rate_per_second"))
    }
}
