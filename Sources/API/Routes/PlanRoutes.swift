internal import Business
internal import Bytes
internal import JSON
internal import Postgres

/// Buying, extending, using plans.
enum PlanRoutes {
    static let operations: [String: Operation] = [
        "checkPrice": .change(checkPrice),
        "purchasePlan": .change { call, connection in
            let request = try call.business.plans.requestPurchase(
                call.body.required("priceCheckId", call.body.id("priceCheckId")), customerReference: call.body.text("customerReference"),
                groupName: call.body.text("group"), trace: call.trace, by: call.caller, on: connection)
            return try accepted(request, call, connection)
        },
        "listPlans": .read { call, connection in
            var filter = PlanFilter()
            filter.accountID = call.query.id("accountId")
            filter.statuses = call.query.choices("status") ?? []
            filter.productCode = call.query.text("product")
            filter.search = call.query.text("search")
            filter.groupName = call.query.text("group")
            filter.expiringBefore = call.query.time("expiringBefore")
            return .page(try call.business.plans.list(filter, after: call.cursor, limit: call.limit, by: call.caller, on: connection), \.json)
        },
        "getPlan": .read { call, connection in .ok(try call.business.plans.find(call.id("planId"), by: call.caller, on: connection).json) },
        "updatePlan": .change { call, connection in
            let edit = PlanEdit(
                customerReference: call.body.change("customerReference"), groupName: call.body.change("group"),
                allowedIPs: try call.body.addressRanges("allowedIps"))
            return .ok(try call.business.plans.edit(call.id("planId"), edit, by: call.caller, on: connection).json)
        },
        "checkExtensionPrice": .change { call, connection in
            let quantity = try call.body.required("quantity", call.body.int("quantity"))
            let query = PriceQuery.Extension(try call.id("planId"), quantity: quantity, period: call.body.choice("period"))
            return .ok(try call.business.priceChecks.check(query, by: call.caller, on: connection).json)
        },
        "extendPlan": .change { call, connection in
            let request = try call.business.plans.requestExtension(
                call.body.required("priceCheckId", call.body.id("priceCheckId")), trace: call.trace, by: call.caller, on: connection)
            guard request.plan.id == (try call.id("planId")) else {
                throw BusinessError(.conflict, "price_check_plan", "This price check is for another plan.", field: "/priceCheckId")
            }
            return try accepted(request, call, connection)
        },
        "cancelPlan": .change { call, connection in
            .ok(try call.business.plans.cancel(call.id("planId"), reason: call.body.text("reason"), by: call.caller, on: connection).json)
        },
        // A change, because the audit log learns who has looked.
        "getPlanCredentials": .change { call, connection in
            .ok(try call.business.plans.credentials(call.id("planId"), by: call.caller, on: connection).json)
        },
        "getConnectionInfo": .change { call, connection in
            let id = try call.query.required("planId", call.query.id("planId"))
            return .ok(try call.business.plans.connectionInfo(id, by: call.caller, on: connection).json)
        },
    ]

    /// Of a new plan, or of an extension when the body names a plan.
    @Sendable private static func checkPrice(_ call: Call, _ connection: Connection) throws -> Reply {
        let body = call.body
        let quantity = try body.required("quantity", body.int("quantity"))
        if let plan = body.id("planId") {
            for stranger in ["product", "options", "accountId"] where body.has(stranger) {
                throw Problems.invalidBody([.init(field: "/" + stranger, code: "not_allowed", message: "does not go with planId")])
            }
            let query = PriceQuery.Extension(plan, quantity: quantity, period: body.choice("period"))
            return .ok(try call.business.priceChecks.check(query, by: call.caller, on: connection).json)
        }
        let query = PriceQuery.Purchase(
            try body.required("product", body.text("product")), quantity: quantity, period: body.choice("period"),
            options: try PlanOptions(checking: body["options"]))
        return .ok(try call.business.priceChecks.check(query, for: body.id("accountId"), by: call.caller, on: connection).json)
    }

    private static func accepted(_ request: PlanRequest, _ call: Call, _ connection: Connection) throws -> Reply {
        .accepted(request.jobID, ["job": try JobRoutes.shown(request.jobID, call, connection), "plan": request.plan.json])
    }
}
