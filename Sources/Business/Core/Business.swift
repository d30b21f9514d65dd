package import Crypto
package import Engine

/// The rules.
///
/// Knows neither HTTP nor AMQP: adapters call it with a connection, inside a transaction where it changes something.
///
/// Its parts are structs over this one, reached as `business.plans`, `business.wallets`; a part's functions take the caller, the request and the
/// connection, and throw `BusinessError` or `PostgresError`. All of them are synchronous: they block their lane, and only the database.
package struct Business: Sendable {
    package let ledger: Ledger
    package let keys: EncryptionKeys
    package let rules: Rules

    package init(ledger: Ledger, keys: EncryptionKeys, rules: Rules) {
        self.ledger = ledger
        self.keys = keys
        self.rules = rules
    }
}

/// The numbers of the rules, from the settings.
package struct Rules: Sendable {
    /// bcrypt's cost.
    package var passwordCost = 12
    package var sessionLifetime: Duration = .seconds(24 * 3600)
    package var priceCheckLifetime: Duration = .seconds(600)
    /// Where the edge answers, for connection strings.
    package var edgeHost = "127.0.0.1"
    package var edgeHTTPPort = 7777
    package var edgeSOCKSPort = 1080
    package var apiKeysPerUser = 5
    package var webhookEndpointsPerAccount = 20
    package var breaker = BreakerRules()
    package var webhookDisableAfterFailures = 10
    package var webhookDisableAfter: Duration = .seconds(120 * 3600)
    /// How long the old secret signs too after a rotation.
    package var webhookSecretOverlap: Duration = .seconds(24 * 3600)

    package init() {}
}
