internal import Business
internal import Crypto
internal import Engine
internal import HTTPClient
internal import JSON
internal import Postgres
internal import RabbitMQ
internal import Settings
internal import Telemetry
internal import Work

/// The parts of a process, made from its settings.
///
/// Each command takes what it needs.
struct Platform: Sendable {
    let settings: MillraceSettings
    let log: Logger
    let metrics = MetricRegistry()
    let catalog: Catalog

    init(_ arguments: Arguments, roles: Set<MillraceSettings.Role> = []) throws {
        settings = try MillraceSettings.read(for: roles, overrides: arguments.overrides, configuration: arguments.value("--config"))
        log = Logger(
            "millrace", level: LogLevel(name: settings.log.level) ?? .info, sink: (LogFormat(rawValue: settings.log.format) ?? .json).standardError)
        catalog = try Self.catalog(directory: settings.definitions.directory)
        metrics.registerProcessMetrics()
    }

    /// The embedded definitions, or those of a directory under the same checks.
    private static func catalog(directory: String?) throws -> Catalog {
        guard let directory else { return try Catalog.embedded() }
        return try Catalog(jobs: DefinitionFolder.read(directory + "/jobs"), queues: DefinitionFolder.read(directory + "/queues"))
    }

    /// A direct connection's settings under this name in `pg_stat_activity`.
    func connection(_ name: String) throws -> ConnectionSettings {
        var connection = try ConnectionSettings(url: settings.database.url.reveal)
        connection.applicationName = "millrace-" + name
        connection.connectTimeout = settings.database.connectTimeout
        return connection
    }

    /// Lanes for requests and for what leased handlers do in the database.
    func database(_ name: String) throws -> Database {
        var connection = try connection(name)
        connection.statementTimeout = settings.database.statementTimeout
        return Database(connection, lanes: settings.database.lanes, name: name)
    }

    var broker: BrokerSettings? {
        get throws {
            guard let url = settings.broker.url else { return nil }
            var broker = try BrokerSettings(url: url.reveal)
            broker.heartbeatSeconds = UInt16(clamping: settings.broker.heartbeat.components.seconds)
            return broker
        }
    }

    func requiredBroker() throws -> BrokerSettings {
        guard let broker = try broker else { throw CommandFailure(.configuration, "amqp.url (MILLRACE_AMQP_URL) is required") }
        return broker
    }

    func ledger(bell: RelayBell?) -> Ledger { Ledger(catalog: catalog, bell: bell) }

    func business(_ ledger: Ledger) throws -> Business {
        guard let keys = settings.security.encryptionKeys else {
            throw CommandFailure(.configuration, "security.encryptionKeys (MILLRACE_SECURITY_ENCRYPTION_KEYS) is required")
        }
        // The setting's first key seals, all of them open.
        let sealing = keys.reveal.split(separator: ":").first.flatMap { UInt8($0) }
        var rules = Rules()
        rules.passwordCost = settings.security.passwordCost
        rules.sessionLifetime = settings.security.sessionLifetime
        rules.webhookDisableAfterFailures = settings.webhook.disableAfterFailures
        rules.webhookDisableAfter = settings.webhook.disableAfter
        return Business(ledger: ledger, keys: try EncryptionKeys(text: Crypto.Secret(keys.reveal), sealing: sealing), rules: rules)
    }

    /// The client for webhooks and providers, behind the address guard.
    func http() throws -> HTTPClient {
        let networks = try settings.webhook.allowedNetworks.map { try Network($0) }
        if !networks.isEmpty {
            log.warning(
                "webhooks may be sent into private networks", ["allowedNetworks": networks.map(\.description).joined(separator: ", ")])
        }
        var client = HTTPClient.Settings()
        client.userAgent = "Millrace/\(Millrace.version)"
        client.urlRules.requiresHTTPS = settings.webhook.requireHTTPS
        return HTTPClient(settings: client, guard: AddressGuard(allowedNetworks: networks))
    }

    func services(_ business: Business, _ http: HTTPClient) -> Services {
        Services(
            business: business, http: http, webhooks: WebhookRules(timeout: settings.webhook.timeout),
            retention: RetentionRules(
                idempotency: settings.retention.idempotency, sessions: settings.retention.sessions, deliveries: settings.retention.deliveryLogs,
                upstreamRequests: settings.retention.upstreamRequests), log: log, metrics: metrics)
    }

    /// The `job.dead` event, written in the transaction that buries the job.
    func deathNotice(_ business: Business) -> @Sendable (DeadJob, Connection) throws -> Void {
        { job, connection in try business.announce(dead: job, on: connection) }
    }
}

/// All migrations, in one sequence.
enum Migrations {
    static let all = (EngineMigrations.all + BusinessMigrations.all).map { Migration(number: $0.number, name: $0.name, sql: $0.sql) }
}
