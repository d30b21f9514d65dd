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
/// story than the ledger. What many deliveries read and write, they read and write together.
package struct WebhookDeliverJob: LeasedJob {
    package struct Payload: Decodable, Sendable {
        package var deliveryId: String
    }

    private let services: Services
    private let reader: WebhookReader
    private let watch: WebhookWatch
    private let log: EffectGroup<WebhookResult>
    private let metrics: WebhookMetrics

    package init(_ services: Services) {
        self.services = services
        let webhooks = services.business.webhooks
        let metrics = WebhookMetrics(services.metrics)
        reader = WebhookReader(webhooks)
        watch = WebhookWatch(webhooks, slowAfter: services.business.rules.breaker.slowAfter)
        log = EffectGroup("webhook.attempts") { results, connection in
            let entered = try webhooks.record(results, on: connection)
            connection.afterCommit { for phase in entered { metrics.entered(phase) } }
        }
        self.metrics = metrics
    }

    @concurrent package func run(_ payload: Payload, in context: LeasedContext) async throws -> Outcome {
        guard let id = Identifier(payload.deliveryId, prefix: "msg") else {
            throw JobError(.invalid, code: "invalid_payload", "deliveryId is not the id of a delivery")
        }
        let webhooks = services.business.webhooks
        switch try await reader.dispatch(id, job: context.job.id, queue: context.job.queue, on: context.database) {
        case .skip:
            return .done(["skipped": "the endpoint is gone or inactive, or the delivery has ended"]) { try webhooks.abandon(id, on: $0) }
        case .wait(let duration):
            metrics.heldBack(.breaker)
            return .snooze(duration)
        case .move:
            metrics.heldBack(.lane)
            return .snooze(.zero, in: Webhooks.slowLane)
        case .failed(let error): throw error
        case .send(let message):
            let journey = watch.begin(message, in: context)
            defer { watch.end(journey) }
            return try await send(message, in: context)
        }
    }

    private func send(_ message: WebhookMessage, in context: LeasedContext) async throws -> Outcome {
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
        if (200..<300).contains(response.status) {
            return .done(
                ["statusCode": .int(Int64(response.status))], with: log.effects(WebhookResult(attempt, of: message, .delivered, isFinal: true)))
        }
        let code = "http_\(response.status)"
        let text = "the receiver answered \(response.status)"
        if response.status == 410 { throw fail(attempt, JobError(.permanent, code: code, text), message, job, .gone) }
        if let after = RetryAfter.parse(response.headers["Retry-After"] ?? "", now: attempt.startedAt),
            [429, 503, 502, 504].contains(response.status)
        {
            let pause = min(after, services.webhooks.longestRetryAfter)
            throw fail(attempt, JobError(.throttled(after: pause), code: code, text), message, job, .throttled(pause))
        }
        throw fail(attempt, JobError(.transient, code: code, text), message, job)
    }

    private func fail(
        _ attempt: WebhookAttempt, _ error: JobError, _ message: WebhookMessage, _ job: ClaimedJob, _ verdict: WebhookResult.Verdict = .failed
    ) -> FailureWithEffects {
        let final = job.isLastAttempt || error.disposition == .permanent
        let isSlow = Duration.microseconds(attempt.durationMicroseconds) >= services.business.rules.breaker.slowAfter
        return FailureWithEffects(
            error, in: isSlow ? Webhooks.slowLane : nil, with: log.effects(WebhookResult(attempt, of: message, verdict, isFinal: final)))
    }
}
