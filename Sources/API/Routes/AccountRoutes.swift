internal import Business

/// The own account.
enum AccountRoutes {
    static let operations: [String: Operation] = [
        "getAccount": .read { call, connection in
            .ok(try call.business.accounts.get(call.caller.accountID, by: call.caller, on: connection).json)
        },
        "updateAccount": .change { call, connection in
            .ok(try call.business.accounts.edit(call.caller.accountID, AccountChanges(call.body), by: call.caller, on: connection).json)
        },
    ]
}

extension AccountChanges {
    init(_ fields: Fields) {
        self.init()
        name = fields.text("name")
        email = fields.change("email")
        phone = fields.change("phone")
        allowedIPs = fields.texts("allowedIps")
        if fields.has("permissionGroupId") { permissionGroupID = .set(fields.id("permissionGroupId")) }
        isActive = fields.flag("active")
    }
}
