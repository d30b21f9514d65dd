package import Bytes
package import Postgres

extension Accounts {
    /// What a list of accounts is narrowed to.
    package struct Filter: Sendable {
        package var type: AccountType?
        /// Only those directly below this account.
        package var parentID: Identifier?
        package var isActive: Bool?
        /// Part of a name, an e-mail address or a user name.
        package var search: String?

        package init() {}
    }

    /// The accounts below the caller's, newest first, with their counts, by one statement.
    ///
    /// - Throws: `permission_denied`.
    package func list(
        _ filter: Filter = Filter(), after cursor: Identifier? = nil, limit: Int = 50, by caller: Caller, on connection: Connection
    ) throws -> Page<Account> {
        try caller.require(.resellersView)
        let rows = try connection.run(
            SQL.Accounts.list.plannedAnew, caller.accountID, cursor, filter.type?.rawValue, filter.parentID, filter.isActive,
            filter.search.map(likePattern),
            limit + 1)
        return try Page(rows.map { try Account($0) }, limit: limit) { $0.id }
    }

    /// One account: the caller's own or one below.
    ///
    /// - Throws: `not_found`, `permission_denied`.
    package func get(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> Account {
        let account = try found(id, by: caller, on: connection)
        try caller.require(id == caller.accountID ? .accountView : .resellersView)
        return account
    }

    /// The account without asking for a permission to view: who may change one may see what became of it.
    func found(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> Account {
        guard let row = try connection.run(SQL.Accounts.get, caller.accountID, id).first else { throw BusinessError.notFound("account") }
        return try Account(row)
    }
}

/// `%text%` for LIKE, with what means something to LIKE taken literally; a NUL byte, which no text in the database has, is left out.
func likePattern(_ text: String) -> String {
    var pattern = "%"
    for character in text where character != "\0" {
        if character == "%" || character == "_" || character == "\\" { pattern.append("\\") }
        pattern.append(character)
    }
    return pattern + "%"
}
