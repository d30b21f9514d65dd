internal import Business
internal import HTTPServer

/// Who did what, what was asked of providers, what happens now.
enum LogRoutes {
    static let operations: [String: Operation] = [
        "listAuditLog": .read { call, connection in
            var filter = Audit.Filter()
            filter.action = call.query.text("action")
            filter.resourceType = call.query.text("resourceType")
            filter.resourceID = call.query.id("resourceId")
            filter.actorID = call.query.id("actorId")
            filter.from = call.query.time("from")
            filter.to = call.query.time("to")
            return .page(try call.business.audit.list(filter, after: call.cursor, limit: call.limit, by: call.caller, on: connection), \.json)
        },
        "listUpstreamRequests": .read { call, connection in
            .page(
                try call.business.upstream.list(
                    account: call.query.id("accountId"), job: call.query.id("jobId"), success: call.query.flag("success"), after: call.cursor,
                    limit: call.limit, by: call.caller, on: connection), \.json)
        },
        "streamEvents": .direct { try await EventStream.open($0) },
    ]
}
