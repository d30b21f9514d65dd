internal import Business
internal import Bytes
internal import JSON
internal import Postgres

/// Wallets and their entries.
enum BalanceRoutes {
    static let operations: [String: Operation] = [
        "getBalance": .read { call, connection in
            .ok(
                try call.business.wallets.find(
                    call.query.id("accountId"), currency: call.query.text("currency"), by: call.caller, on: connection
                ).json)
        },
        "updateBalance": .change { call, connection in try setLimits(of: call.caller.accountID, call, connection) },
        "getPricing": .read { call, connection in try ProductRoutes.list(call, connection) },
        "listTransactions": .read { call, connection in
            let filter = EntryFilter(
                account: call.query.id("accountId"), types: call.query.choices("type") ?? [], from: call.query.time("from"), to: call.query.time("to")
            )
            var reply: Reply = .page(
                try call.business.wallets.entries(filter, after: call.cursor, limit: call.limit, by: call.caller, on: connection), \.json)
            if call.query.flag("totals") == true {
                reply.json?["totals"] = .array(try call.business.wallets.totals(filter, by: call.caller, on: connection).map(\.json))
            }
            return reply
        },
        "getTransaction": .read { call, connection in
            .ok(try call.business.wallets.entry(call.id("entryId"), by: call.caller, on: connection).json)
        },
        "refundTransaction": .change { call, connection in
            let entry = try call.business.wallets.refund(
                call.id("entryId"), call.body.money("amount"), note: call.body.text("note"), by: call.caller, on: connection)
            return .created(entry.json, at: "/balance/transactions/" + entry.id.text("entry"))
        },
    ]

    /// What the body does not name stays.
    static func setLimits(of account: Identifier, _ call: Call, _ connection: Connection) throws -> Reply {
        let lowBalance: Change<Money> = call.body.has("lowBalance") ? .set(call.body.money("lowBalance")) : .keep
        return .ok(
            try call.business.wallets.setLimits(
                account, creditLimit: call.body.money("creditLimit"), lowBalance: lowBalance, by: call.caller, on: connection
            ).json)
    }
}
