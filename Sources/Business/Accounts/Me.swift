package import Bytes
package import JSON
package import Postgres

/// Who the caller is, as the dashboards need it at every load: what to show, what to allow, whose balance.
package struct Me: Sendable {
    package var user: User
    package var account: Account
    package var permissions: Set<Permission>
    /// The session that asked; nil for a request with an API key.
    package var session: Session?
    package var apiKeyID: Identifier?
    /// The user who acts, while somebody impersonates.
    package var actor: (id: Identifier, username: String)?

    /// As the API shows it.
    package var json: JSONValue {
        var object: JSONObject = [
            "user": user.json, "account": ownAccount, "role": .string(user.role.rawValue), "permissions": permissions.json,
        ]
        object["session"] = session?.json
        object["apiKeyId"] = apiKeyID.map { .string($0.text("key")) }
        object["actor"] = actor.map { ["id": .string($0.id.text("user")), "username": .string($0.username)] }
        return .object(object)
    }

    /// The balance only for those who may see it.
    private var ownAccount: JSONValue {
        guard var object = account.json.object, !permissions.contains(.balanceView) else { return account.json }
        object["balance"] = nil
        object["held"] = nil
        return .object(object)
    }
}

extension Business {
    /// Who the caller is.
    ///
    /// - Throws: `invalid_credentials` for a caller without a user.
    package func me(_ caller: Caller, on connection: Connection) throws -> Me {
        guard let userID = caller.subjectID, let user = try connection.run(SQL.Users.get, caller.accountID, userID).first,
            let account = try connection.run(SQL.Accounts.get, caller.accountID, caller.accountID).first
        else { throw BusinessError.invalidCredentials }
        var me = try Me(user: User(user), account: Account(account), permissions: caller.permissions, apiKeyID: caller.apiKeyID)
        if let id = caller.sessionID { me.session = try connection.run(SQL.Sessions.get, id, userID).first.map { try Session($0) } }
        if let id = caller.actorID, id != userID, let username: String = try connection.run(SQL.Users.name, id).first?("username") {
            me.actor = (id, username)
        }
        return me
    }
}
