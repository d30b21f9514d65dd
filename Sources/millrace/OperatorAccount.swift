internal import Business
internal import Crypto
internal import Engine
internal import Postgres

/// The first operator.
enum OperatorAccount {
    /// Makes the operator's account and its first super admin; false when there is an operator already.
    @discardableResult
    static func ensure(_ platform: Platform, username: String, password: String, currency: String = "USD") throws -> Bool {
        let connection = try Connection(platform.connection("operator"))
        let business = try platform.business(platform.ledger(bell: nil))
        let hash = try business.hash(password: Secret(password))
        return try connection.transaction { connection in
            try business.accounts.bootstrapOperator(name: "Operator", currency: currency, username: username, password: hash, on: connection) != nil
        }
    }
}
