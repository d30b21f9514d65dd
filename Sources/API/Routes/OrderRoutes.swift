internal import Business
internal import Bytes
internal import Crypto
internal import JSON

/// Paid orders whose end nobody knows, and how staff end them.
enum OrderRoutes {
    static let operations: [String: Operation] = [
        "listOrders": .read { call, connection in
            .page(
                try call.business.orders.list(
                    account: call.query.id("accountId"), provider: call.query.id("providerId"), after: call.cursor, limit: call.limit,
                    by: call.caller, on: connection), \.json)
        },
        "getOrder": .read { call, connection in .ok(try call.business.orders.find(call.id("jobId"), by: call.caller, on: connection).json) },
        "releaseOrder": .change { call, connection in
            .ok(
                try call.business.orders.release(
                    call.id("jobId"), reason: call.body.required("reason", call.body.text("reason")), by: call.caller, on: connection
                ).json)
        },
        "completeOrder": .change { call, connection in
            let body = call.body
            let delivery = OrderDelivery(
                reference: body.text("reference"), credentials: try body["credentials"].map { try credentials(Fields($0)) },
                quotaBytes: body["quotaBytes"]?.int, expiresAt: body.time("expiresAt"))
            return .ok(
                try call.business.orders.complete(
                    call.id("jobId"), as: delivery, reason: body.required("reason", body.text("reason")), by: call.caller, on: connection
                ).json)
        },
    ]

    private static func credentials(_ fields: Fields) throws -> PlanCredentials {
        PlanCredentials(
            username: try fields.required("username", fields.text("username")),
            password: Secret(try fields.required("password", fields.text("password"))), host: try fields.required("host", fields.text("host")),
            httpPort: fields.int("httpPort"), socksPort: fields.int("socksPort"))
    }
}
