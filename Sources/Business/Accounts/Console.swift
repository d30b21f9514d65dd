package import Bytes
package import Postgres

/// The operator's command line: whoever runs it holds the database's password, so it acts with all rights on the operator's account, and no user.
package struct Console: Sendable {
    let business: Business

    /// The console as a caller.
    ///
    /// - Throws: `BusinessError` `not_found` before the operator's account was made.
    package func caller(on connection: Connection) throws -> Caller {
        guard let row = try connection.run(SQL.Console.operatorAccount).first else { throw BusinessError.notFound("operator account yet") }
        return Caller(accountID: try row("id"), role: .superAdmin, permissions: Permission.all(of: .superAdmin), userAgent: "millrace command line")
    }

    /// The user of this name.
    ///
    /// - Throws: `BusinessError` `not_found`.
    package func user(named name: String, on connection: Connection) throws -> Identifier {
        guard let row = try connection.run(SQL.Console.userNamed, name).first else { throw BusinessError.notFound("user") }
        return try row("id")
    }
}

extension Business {
    package var console: Console { Console(business: self) }
}
