internal import Business
internal import Bytes
internal import Crypto

/// People who log in.
///
/// Hashing a password costs; whoever may not use it does not make us do it.
enum UserRoutes {
    static let operations: [String: Operation] = [
        "listUsers": .read { call, connection in
            .page(
                try call.business.users.list(
                    account: call.query.id("accountId"), search: call.query.text("search"), after: call.cursor, limit: call.limit, by: call.caller,
                    on: connection), \.json)
        },
        "createUser": .change(after: { call in
            try call.caller.require(.usersCreate)
            return try await NewUser.hashed(call.body, field: "/password", call.context)
        }) { call, new, connection in
            let user = try call.business.users.create(new, in: call.body.id("accountId") ?? call.caller.accountID, by: call.caller, on: connection)
            return .created(user.json, at: "/users/" + user.id.text("user"))
        },
        "getUser": .read { call, connection in .ok(try call.business.users.get(call.id("userId"), by: call.caller, on: connection).json) },
        "updateUser": .change { call, connection in
            var changes = UserChanges()
            changes.name = call.body.text("name")
            changes.email = call.body.change("email")
            changes.role = call.body.choice("role")
            changes.allowedIPs = call.body.texts("allowedIps")
            changes.isActive = call.body.flag("active")
            return .ok(try call.business.users.edit(call.id("userId"), changes, by: call.caller, on: connection).json)
        },
        "resetUserPassword": .change(after: { call in
            try call.caller.require(.usersEdit)
            let password = Secret(try call.body.required("password", call.body.text("password")))
            return try await call.context.hash(password, field: "/password")
        }) { call, password, connection in
            try call.business.users.resetPassword(of: call.id("userId"), to: password, by: call.caller, on: connection)
            return .done
        },
    ]
}

extension NewUser {
    /// The user that the fields describe, with the password hashed on a lane of its own.
    static func hashed(_ fields: Fields, field: String, _ context: APIContext) async throws -> NewUser {
        let password = Secret(try fields.required("password", fields.text("password")))
        var user = NewUser(
            username: try fields.required("username", fields.text("username")), password: try await context.hash(password, field: field),
            role: fields.choice("role"))
        user.name = fields.text("name") ?? ""
        user.email = fields.text("email")
        user.allowedIPs = fields.texts("allowedIps") ?? []
        return user
    }
}

extension APIContext {
    /// Hashes a password on the lanes for that.
    func hash(_ password: Secret<String>, field: String) async throws -> PasswordHash {
        let business = business
        return try await onHashingLane { try business.hash(password: password, field: field) }
    }
}
