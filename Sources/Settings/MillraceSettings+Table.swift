internal import JSON

// The one table of settings: what `config show`, the reader and docs/settings.md know, they know from here. To add one, add a row here and a
// property in `MillraceSettings`; a test fails when only one of the two is done.

extension MillraceSettings {
    /// Every setting of Millrace, by section.
    package static let table: [Setting] =
        database + broker + api + security + webhook + worker + relay + scheduler + retention + observation + definitions

    private static let port: Setting.Kind = .int(1...65_535)

    private static let database: [Setting] = [
        Setting(
            "database.url", .url(schemes: ["postgresql", "postgres"]), required: .always,
            "The PostgreSQL database that keeps everything; workers, relay and scheduler need a direct connection, not a pooler."),
        Setting(
            "database.lanes", .int(1...256), default: "8",
            "Threads that own one database connection each, in each process; the sum over all processes must stay below max_connections."),
        Setting(
            "database.connectTimeout", .duration(.seconds(1) ... .seconds(120)), default: "10s",
            "How long one attempt to connect may take before it is given up and tried again."),
        Setting(
            "database.statementTimeout", .duration(.seconds(1) ... .seconds(3600)), default: "60s",
            "How long one statement of the API may run before PostgreSQL ends it."),
    ]

    private static let broker: [Setting] = [
        Setting(
            "amqp.url", .url(schemes: ["amqp", "amqps"]), required: .roles(["relay", "worker"]),
            "The RabbitMQ broker that carries wake-ups; the API does not need it."),
        Setting(
            "amqp.prefix", .string, default: "",
            "Put before the name of every queue and exchange, so that several installations can share one broker.",
            check: { text in
                let fits = text.utf8.count <= 64 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
                return fits ? nil : "at most 64 printable ASCII characters without spaces"
            }),
        Setting(
            "amqp.heartbeat", .duration(.seconds(5) ... .seconds(600)), default: "30s",
            "How often broker and client assure each other that they live; a dead connection is noticed after two."),
    ]

    private static let api: [Setting] = [
        Setting("api.address", .string, default: "127.0.0.1", "The address to listen on; 0.0.0.0 or :: for all.", check: address),
        Setting("api.port", port, default: "8080", "The TCP port of the API and the dashboards."),
        Setting("api.threads", .int(1...64), default: "2", "Threads that read and write sockets; requests themselves run on the database lanes."),
        Setting(
            "api.publicURL", .url(schemes: ["https", "http"]),
            "Where users reach the API, for links in mails and webhooks; without it links are made from the request's Host."),
        Setting(
            "api.trustedProxies", .list, default: "", "Networks (CIDR) whose X-Forwarded-For and X-Forwarded-Proto are believed.", check: network),
        Setting(
            "api.origins", .list, default: "", "Origins beside its own from which browsers may call the API, such as https://shop.example.org.",
            check: origin),
        Setting("api.secureCookies", .bool, default: "true", "Send session cookies over HTTPS only; switch off only for a trial without TLS."),
        Setting("api.rateLimit", .int(0...1_000_000), default: "300", "Requests per minute and client address; 0 lifts the limit."),
        Setting("api.loginRateLimit", .int(0...10_000), default: "10", "Attempts to log in per minute and client address; 0 lifts the limit."),
        Setting("api.bodyLimit", .size(1 << 10...1 << 30), default: "1MiB", "The largest body of a request; imports have their own limit."),
        Setting("api.connections", .int(16...65_536), default: "4096", "Connections that may be open at once; more are refused."),
        Setting(
            "api.idleTimeout", .duration(.seconds(1) ... .seconds(3600)), default: "60s", "When a connection on which nothing happens is closed."),
        Setting("api.tlsCertificate", .string, "A PEM file with the certificate chain; with it the server speaks TLS itself."),
        Setting("api.tlsKey", .string, "A PEM file with the private key of the certificate."),
    ]

    private static let security: [Setting] = [
        Setting(
            "security.encryptionKeys", .secret, required: .roles(["api", "worker"]),
            "Keys for stored secrets, as 1:base64,2:base64 of 32 bytes each; the first encrypts, all decrypt, so keys can be changed without a stop.",
            check: encryptionKeys),
        Setting(
            "security.tokenKey", .secret, required: .roles(["api"]), "The key that signs access tokens (JWT), at least 32 characters.",
            check: { $0.utf8.count >= 32 ? nil : "at least 32 characters" }),
        Setting("security.passwordCost", .int(4...16), default: "12", "The cost of bcrypt; one more doubles the time of every log-in."),
        Setting(
            "security.sessionLifetime", .duration(.seconds(300) ... .seconds(7_776_000)), default: "24h",
            "How long a session or an access token lasts."),
    ]

    private static let webhook: [Setting] = [
        Setting(
            "webhook.allowedNetworks", .list, default: "",
            "Private networks (CIDR) to which webhooks may be sent in spite of the protection against server-side request forgery.", check: network),
        Setting("webhook.timeout", .duration(.seconds(1) ... .seconds(120)), default: "15s", "How long one delivery may take in all."),
        Setting("webhook.requireHTTPS", .bool, default: "false", "Refuse endpoints without TLS."),
        Setting(
            "webhook.disableAfterFailures", .int(1...1_000_000), default: "10",
            "An endpoint is switched off after this many failures in a row, and after webhook.disableAfter: both must be met."),
        Setting(
            "webhook.disableAfter", .duration(.seconds(60) ... .seconds(31_536_000)), default: "120h",
            "How long an endpoint must have failed without a success before it is switched off."),
    ]

    private static let worker: [Setting] = [
        Setting("worker.queues", .list, default: "", "The queues that this worker serves; empty for all."),
        Setting(
            "worker.grace", .duration(.zero ... .seconds(3600)), default: "30s",
            "How long running jobs may go on after SIGTERM; what is left is given back without spending an attempt."),
    ]

    private static let relay: [Setting] = [
        Setting("relay.batch", .int(1...10_000), default: "512", "Outbox rows that one relay transaction publishes at most."),
        Setting(
            "relay.window", .int(1...100_000), default: "2000",
            "Wake-ups of a queue that are sent and not yet claimed at most; the rest waits in the outbox, where order and fairness are decided."),
    ]

    private static let scheduler: [Setting] = [
        Setting(
            "scheduler.rescueAfter", .duration(.seconds(1) ... .seconds(3600)), default: "5s",
            "When the leases of a worker are taken whose connection is gone; a worker that lost it stops its own work within 3 s."),
        Setting(
            "scheduler.frozenAfter", .duration(.seconds(10) ... .seconds(86_400)), default: "90s",
            "When the leases of a worker are taken that is connected and does not move."),
    ]

    private static let retention: [Setting] = [
        Setting("retention.deliveryLogs", days, default: "30d", "How long the attempts of webhook deliveries are kept."),
        Setting("retention.upstreamRequests", days, default: "30d", "How long requests to providers are kept."),
        Setting(
            "retention.idempotency", .duration(.seconds(3600) ... .seconds(2_592_000)), default: "48h",
            "How long an Idempotency-Key is remembered; a repetition after that is a new request."),
        Setting("retention.sessions", days, default: "30d", "How long ended log-in sessions are kept for the audit."),
    ]

    private static let observation: [Setting] = [
        Setting("log.level", .choice(LogLevelName.all), default: "info", "The least level that is logged."),
        Setting("log.format", .choice(["json", "text"]), default: "json", "One JSON object per line, or text for people."),
        Setting(
            "metrics.address", .string, default: "127.0.0.1", "The address of /metrics, /healthz and /readyz of roles other than the API.",
            check: address),
        Setting("metrics.port", .int(0...65_535), default: "0", "The port of /metrics, /healthz and /readyz; 0 is the role's own (9100 and up)."),
    ]

    private static let definitions: [Setting] = [
        Setting("definitions.directory", .string, "A folder whose jobs/ and queues/ replace the built-in definitions as a whole.")
    ]

    private static let days: Setting.Kind = .duration(.seconds(86_400) ... .seconds(315_360_000))
}

/// The names of the log levels, as the telemetry has them; neither may import the other, so each side's tests hold the same list.
package enum LogLevelName {
    package static let all = ["trace", "debug", "info", "warning", "error"]
}
