internal import Business
internal import Bytes
internal import Clocks
package import Engine
internal import HTTPClient
internal import JSON
internal import Postgres

/// `webhook.deliver`: one attempt of one delivery.
///
/// The attempt's log, the delivery's state and the endpoint's health commit together with the job's own transition, so the log can never tell another
/// story than the ledger.
package struct WebhookDeliverJob: LeasedJob {
    package struct Payload: Decodable, Sendable {
        package var deliveryId: String
    }

    private let services: Services

    package init(_ services: Services) {
        self.services = services
    }

    @concurrent package func run(_ payload: Payload, in context: LeasedContext) async throws -> Outcome {
        guard let id = Identifier(payload.deliveryId, prefix: "msg") else {
            throw JobError(.invalid, code: "invalid_payload", "deliveryId is not the id of a delivery")
        }
        let (webhooks, job) = (services.business.webhooks, context.job.id)
        guard let message = try await context.database.run({ try webhooks.message(id, job: job, now: .now, on: $0) }) else {
            return .done(["skipped": "the endpoint is gone or inactive, or the delivery has ended"]) { try webhooks.abandon(id, on: $0) }
        }
        let attempt = WebhookAttempt(startedAt: .now)
        do {
            let response = try await services.http.send(request(of: message, at: attempt.startedAt))
            return try end(attempt.answered(response), response, message, context.job)
        } catch let error as HTTPClientError {
            // Broken off from outside: not the receiver's fault, so nothing is logged against it.
            if error.kind == .cancelled || error.kind == .stopped { throw CancellationError() }
            throw fail(attempt.failed(error), JobError(.transient, code: error.code, error.message), message, context.job)
        }
    }

    private func request(of message: WebhookMessage, at now: Instant) -> ClientRequest {
        var headers: HeaderFields = ["Content-Type": "application/json"]
        for (name, value) in message.headers(at: now) { headers.add(name, value) }
        return ClientRequest(
            .post, message.url, headers: headers, body: message.body, connectTimeout: services.webhooks.connectTimeout,
            timeout: services.webhooks.timeout,
            maximumResponseBytes: WebhookAttempt.shownBytes, destination: .guarded)
    }

    /// What an answer means (Standard Webhooks 1.0.0): only 2xx succeeds, 410 disables, 429 and 503 say when to come back.
    private func end(_ attempt: WebhookAttempt, _ response: ClientResponse, _ message: WebhookMessage, _ job: ClaimedJob) throws -> Outcome {
        let webhooks = services.business.webhooks
        if (200..<300).contains(response.status) {
            return .done(["statusCode": .int(Int64(response.status))]) {
                try webhooks.record(attempt, of: message, delivered: true, final: true, gone: false, on: $0)
            }
        }
        let code = "http_\(response.status)"
        let text = "the receiver answered \(response.status)"
        if response.status == 410 { throw fail(attempt, JobError(.permanent, code: code, text), message, job, gone: true) }
        if let after = RetryAfter.parse(response.headers["Retry-After"] ?? "", now: attempt.startedAt),
            [429, 503, 502, 504].contains(response.status)
        {
            throw fail(attempt, JobError(.throttled(after: min(after, services.webhooks.longestRetryAfter)), code: code, text), message, job)
        }
        throw fail(attempt, JobError(.transient, code: code, text), message, job)
    }

    private func fail(_ attempt: WebhookAttempt, _ error: JobError, _ message: WebhookMessage, _ job: ClaimedJob, gone: Bool = false)
        -> FailureWithEffects
    {
        let webhooks = services.business.webhooks
        let final = job.isLastAttempt || error.disposition == .permanent
        return FailureWithEffects(error) { try webhooks.record(attempt, of: message, delivered: false, final: final, gone: gone, on: $0) }
    }
}
