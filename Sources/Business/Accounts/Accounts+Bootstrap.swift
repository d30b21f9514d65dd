package import Bytes
internal import Crypto
package import Postgres

extension Accounts {
    /// Creates the operator and its first super admin, at the first start of an installation; in a transaction of its own, and after the hashing.
    ///
    /// Safe to call at every start and from several processes at once: the database admits one operator.
    /// - Returns: the account's id, or nil when there is an operator already; then nothing happens.
    @discardableResult
    package func bootstrapOperator(
        name: String, currency: String, username: String, password: String, on connection: Connection
    ) throws -> Identifier? {
        guard try connection.run(SQL.Accounts.findOperator).isEmpty else { return nil }
        let hash = try business.hash(password: Secret(password))
        return try connection.transaction {
            try bootstrapOperator(name: name, currency: currency, username: username, password: hash, on: $0)
        }
    }

    /// The same in the caller's transaction, with a password that is hashed already.
    @discardableResult
    package func bootstrapOperator(
        name: String, currency: String, username: String, password: PasswordHash, on connection: Connection
    ) throws -> Identifier? {
        let id = Identifier.next()
        let inserted = try connection.run(SQL.Accounts.insertOperator, id, FieldText.name(name), FieldText.currency(currency))
        guard !inserted.isEmpty else { return nil }
        try business.wallets.open(id, currency: currency, on: connection)
        try business.audit.write(action: "account.create", resource: ("account", id), account: id, by: nil, on: connection)
        let user = NewUser(username: username, password: password, role: .superAdmin)
        try business.users.insert(user, account: id, type: .operator, field: "", by: nil, on: connection)
        return id
    }
}
