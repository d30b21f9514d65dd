internal import Business
internal import Bytes
internal import Engine
internal import JSON
internal import Postgres

/// Work that was accepted.
enum JobRoutes {
    static let operations: [String: Operation] = [
        "listJobs": .read { call, connection in
            var filter = Jobs.Filter()
            filter.state = call.query.choice("state")
            filter.kind = call.query.text("kind")
            filter.queue = call.query.text("queue")
            filter.accountID = call.query.id("accountId")
            let page = try call.business.jobs.list(filter, after: call.cursor, limit: call.limit, by: call.caller, on: connection)
            return .page(page) { $0.json(detailed: false) }
        },
        "getJob": .read { call, connection in
            .ok(try call.business.jobs.find(call.id("jobId"), by: call.caller, on: connection).json(detailed: call.caller.role.isStaff))
        },
        "cancelJob": .change { call, connection in
            let id = try call.id("jobId")
            let outcome = try call.business.jobs.cancel(id, by: call.caller, on: connection)
            return .ok(["outcome": .string(outcome.rawValue), "job": try shown(id, call, connection)])
        },
        "retryJob": .change { call, connection in
            let job = try call.business.jobs.retry(call.id("jobId"), by: call.caller, on: connection)
            return .accepted(job.id, job.json(detailed: call.caller.role.isStaff))
        },
        "retryJobs": .change { call, connection in
            let (revived, next) = try call.business.jobs.retryAll(
                queue: call.body.text("queue"), kind: call.body.text("kind"), after: call.body.id("cursor"), by: call.caller, on: connection)
            return .ok(["revived": .int(Int64(revived)), "nextCursor": next.map { .string($0.text("cur")) } ?? .null])
        },
        "listJobKinds": .read { call, _ in
            try call.caller.require(.jobsView)
            return .list(call.business.ledger.catalog.sortedJobs.map(\.json))
        },
    ]

    /// A job that the caller has just made or changed.
    static func shown(_ id: Identifier, _ call: Call, _ connection: Connection) throws -> JSONValue {
        guard let job = try call.business.ledger.find(id, on: connection) else { throw BusinessError.notFound("job") }
        return job.json(detailed: false)
    }
}

extension JobDefinition {
    /// As the API shows it.
    fileprivate var json: JSONValue {
        [
            "kind": .string(kind), "queue": .string(queue), "summary": .string(summary), "style": .string(style.rawValue),
            "maxAttempts": .int(Int64(maxAttempts)), "timeoutSeconds": .double(timeout.seconds), "priority": .int(Int64(priority)),
            "retentionDays": .int(Int64(retentionDays)), "payloadSchema": payloadSchemaSource, "example": example,
        ]
    }
}

extension Duration {
    fileprivate var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
