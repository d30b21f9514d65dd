internal import Business
internal import Bytes
internal import JSON
internal import Postgres

/// What was sent to endpoints, and sending it again.
enum DeliveryRoutes {
    static let operations: [String: Operation] = [
        "listDeliveries": .read { call, connection in
            .page(
                try call.business.webhooks.deliveries(
                    of: call.id("webhookId"), state: call.query.choice("state"), type: call.query.text("type"), after: call.cursor, limit: call.limit,
                    by: call.caller, on: connection), \.json)
        },
        "getDelivery": .read { call, connection in
            let (delivery, body, attempts) = try call.business.webhooks.delivery(call.id("deliveryId"), by: call.caller, on: connection)
            return .ok(["delivery": delivery.json, "body": .string(body), "attempts": .array(attempts.map(\.json))])
        },
        "replayDelivery": .change { call, connection in
            try accepted(call.business.webhooks.replay(call.id("deliveryId"), by: call.caller, on: connection), call, connection)
        },
        "replayDeliveries": .change { call, connection in
            let dryRun = call.body.flag("dryRun") ?? false
            let (count, more) = try call.business.webhooks.replay(
                endpoint: call.id("webhookId"), from: call.body.required("from", call.body.time("from")),
                to: call.body.required("to", call.body.time("to")), onlyFailed: call.body.flag("onlyFailed") ?? true, dryRun: dryRun, by: call.caller,
                on: connection)
            return .ok(["count": .int(Int64(count)), "more": .bool(more), "dryRun": .bool(dryRun)])
        },
    ]

    static func accepted(_ sending: Webhooks.Sending, _ call: Call, _ connection: Connection) throws -> Reply {
        .accepted(
            sending.jobID,
            ["job": try JobRoutes.shown(sending.jobID, call, connection), "deliveryId": .string(sending.deliveryID.text("msg"))])
    }
}
