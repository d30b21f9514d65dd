internal import Business
internal import Bytes
internal import Crypto
internal import Postgres

/// Accounts below the caller's, and their money.
enum ResellerRoutes {
    static let operations: [String: Operation] = [
        "listResellers": .read { call, connection in
            var filter = Accounts.Filter()
            filter.type = call.query.choice("type")
            filter.parentID = call.query.id("parentId")
            filter.isActive = call.query.flag("active")
            filter.search = call.query.text("search")
            return .page(
                try call.business.accounts.list(filter, after: call.cursor, limit: call.limit, by: call.caller, on: connection), \.json)
        },
        "createReseller": .change(after: firstUser) { call, user, connection in
            let body = call.body
            var account = NewAccount(
                body.choice("type") ?? .reseller, name: try body.required("name", body.text("name")), parent: body.id("parentId"),
                currency: body.text("currency"), firstUser: user)
            account.email = body.text("email")
            account.phone = body.text("phone")
            account.permissionGroupID = body.id("permissionGroupId")
            account.allowedIPs = body.texts("allowedIps") ?? []
            let created = try call.business.accounts.create(account, by: call.caller, on: connection)
            return .created(created.json, at: "/resellers/" + created.id.text("acct"))
        },
        "getReseller": .read { call, connection in
            .ok(try call.business.accounts.get(call.id("resellerId"), by: call.caller, on: connection).json)
        },
        "updateReseller": .change { call, connection in
            .ok(try call.business.accounts.edit(call.id("resellerId"), AccountChanges(call.body), by: call.caller, on: connection).json)
        },
        "deleteReseller": .change { call, connection in
            try call.business.accounts.delete(call.id("resellerId"), by: call.caller, on: connection)
            return .done
        },
        "topUpReseller": .change(topUp),
        "withdrawFromReseller": .change { call, connection in
            let amount = try call.body.required("amount", call.body.money("amount"))
            return created(
                try call.business.wallets.withdraw(
                    call.id("resellerId"), amount, note: call.body.text("note"), by: call.caller, on: connection))
        },
        "transferToReseller": .change { call, connection in
            let amount = try call.body.required("amount", call.body.money("amount"))
            return created(
                try call.business.wallets.transfer(
                    from: call.body.id("from"), to: call.id("resellerId"), amount, note: call.body.text("note"), by: call.caller, on: connection))
        },
        "updateResellerBalance": .change { call, connection in try BalanceRoutes.setLimits(of: call.id("resellerId"), call, connection) },
        "activateReseller": .change { try setActive(true, $0, $1) },
        "deactivateReseller": .change { try setActive(false, $0, $1) },
    ]

    /// The first user's password is hashed before the transaction.
    @Sendable private static func firstUser(_ call: Call) async throws -> NewUser? {
        guard let value = call.body["firstUser"] else { return nil }
        try call.caller.require(.resellersCreate)
        return try await NewUser.hashed(Fields(value), field: "/firstUser/password", call.context)
    }

    /// The operator's staff create money; a reseller hands on its own.
    @Sendable private static func topUp(_ call: Call, _ connection: Connection) throws -> Reply {
        let (id, note) = (try call.id("resellerId"), call.body.text("note"))
        let amount = try call.body.required("amount", call.body.money("amount"))
        if call.caller.role.isStaff {
            let type: EntryType = call.body.choice("type") ?? .topUp
            return created(try call.business.wallets.topUp(id, amount, as: type, note: note, by: call.caller, on: connection))
        }
        if call.body.has("type") {
            throw BusinessError(.forbidden, "operator_only", "Only the operator's staff say what kind of top-up it is.", field: "/type")
        }
        return created(try call.business.wallets.transfer(to: id, amount, note: note, by: call.caller, on: connection))
    }

    private static func created(_ entry: WalletEntry) -> Reply {
        .created(entry.json, at: "/balance/transactions/" + entry.id.text("entry"))
    }

    private static func setActive(_ active: Bool, _ call: Call, _ connection: Connection) throws -> Reply {
        var changes = AccountChanges()
        changes.isActive = active
        return .ok(try call.business.accounts.edit(call.id("resellerId"), changes, by: call.caller, on: connection).json)
    }
}
