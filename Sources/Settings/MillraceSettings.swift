/// All settings of a Millrace process, typed; the table beside this file says what each means.
package struct MillraceSettings: Sendable {
    /// What a process does; decides which settings must be there.
    package enum Role: String, CaseIterable, Sendable {
        case api, worker, relay, scheduler
    }

    package struct Database: Sendable {
        package var url: SettingURL
        package var lanes: Int
        package var connectTimeout: Duration
        package var statementTimeout: Duration
    }

    package struct Broker: Sendable {
        /// Nil only in processes that play neither relay nor worker.
        package var url: SettingURL?
        package var prefix: String
        package var heartbeat: Duration
    }

    package struct API: Sendable {
        package var address: String
        package var port: Int
        package var threads: Int
        package var publicURL: SettingURL?
        package var trustedProxies: [String]
        package var origins: [String]
        package var secureCookies: Bool
        /// Per minute and client address; 0 for no limit.
        package var rateLimit: Int
        package var loginRateLimit: Int
        package var bodyLimit: Int
        package var connections: Int
        package var idleTimeout: Duration
        package var tls: TLS?
    }

    /// Paths of PEM files.
    package struct TLS: Sendable, Hashable {
        package var certificate: String
        package var key: String
    }

    package struct Security: Sendable {
        /// `id:base64,…`; nil only in processes that play neither API nor worker.
        package var encryptionKeys: Secret?
        /// Nil only in processes that do not play the API.
        package var tokenKey: Secret?
        package var passwordCost: Int
        package var sessionLifetime: Duration
    }

    package struct Webhook: Sendable {
        package var allowedNetworks: [String]
        package var timeout: Duration
        package var requireHTTPS: Bool
        package var disableAfterFailures: Int
        package var disableAfter: Duration
    }

    package struct Worker: Sendable {
        /// Empty for all.
        package var queues: [String]
        package var grace: Duration
    }

    package struct Relay: Sendable {
        package var batch: Int
        package var window: Int
    }

    package struct Scheduler: Sendable {
        package var rescueAfter: Duration
        package var frozenAfter: Duration
    }

    package struct Retention: Sendable {
        package var deliveryLogs: Duration
        package var upstreamRequests: Duration
        package var idempotency: Duration
        package var sessions: Duration
    }

    package struct Log: Sendable {
        /// One of `LogLevelName.all`.
        package var level: String
        /// `json` or `text`.
        package var format: String
    }

    package struct Metrics: Sendable {
        package var address: String
        /// 0 for the role's own port.
        package var port: Int
    }

    package struct Definitions: Sendable {
        package var directory: String?
    }

    package var database: Database
    package var broker: Broker
    package var api: API
    package var security: Security
    package var webhook: Webhook
    package var worker: Worker
    package var relay: Relay
    package var scheduler: Scheduler
    package var retention: Retention
    package var log: Log
    package var metrics: Metrics
    package var definitions: Definitions
    /// Where all of this comes from, for `config show`.
    package var values: SettingValues
}
