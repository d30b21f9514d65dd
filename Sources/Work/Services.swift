package import Business
package import HTTPClient
package import Telemetry

/// What handlers are made with: the rules, and the drivers for effects outside.
package struct Services: Sendable {
    package var business: Business
    package var http: HTTPClient
    package var webhooks: WebhookRules
    package var retention: RetentionRules
    /// Of one request to a provider.
    package var providerTimeout: Duration = .seconds(15)
    package var log: Logger
    package var metrics: MetricRegistry

    package init(
        business: Business, http: HTTPClient, webhooks: WebhookRules, retention: RetentionRules, log: Logger,
        metrics: MetricRegistry = MetricRegistry()
    ) {
        self.business = business
        self.http = http
        self.webhooks = webhooks
        self.retention = retention
        self.log = log
        self.metrics = metrics
    }
}

extension Services {
    /// The driver of an upstream; `record` is told about each request.
    func provider(_ access: ProviderAccess, record: @escaping @Sendable (UpstreamExchange) async -> Void) -> some UpstreamProvider {
        ResellerAPIProvider(access: access, http: http, timeout: providerTimeout, record: record)
    }
}

/// How deliveries are sent.
package struct WebhookRules: Sendable {
    /// Of one attempt, from the name lookup to the last byte.
    package var timeout: Duration
    package var connectTimeout: Duration
    /// A `Retry-After` is honoured up to this.
    package var longestRetryAfter: Duration

    package init(timeout: Duration = .seconds(15), connectTimeout: Duration = .seconds(5), longestRetryAfter: Duration = .seconds(24 * 3600)) {
        self.timeout = timeout
        self.connectTimeout = connectTimeout
        self.longestRetryAfter = longestRetryAfter
    }
}

/// How long what is kept is kept.
package struct RetentionRules: Sendable {
    package var idempotency: Duration
    package var sessions: Duration
    package var deliveries: Duration
    package var upstreamRequests: Duration

    package init(
        idempotency: Duration = .seconds(48 * 3600), sessions: Duration = .seconds(30 * 86400), deliveries: Duration = .seconds(30 * 86400),
        upstreamRequests: Duration = .seconds(30 * 86400)
    ) {
        self.idempotency = idempotency
        self.sessions = sessions
        self.deliveries = deliveries
        self.upstreamRequests = upstreamRequests
    }
}
