package import Bytes
package import Clocks
package import Engine
package import JSON
package import Postgres

extension Business {
    /// Jobs and queues as callers see them.
    package var jobs: Jobs { Jobs(business: self) }
}

/// The ledger behind rights: owners see the jobs of their subtree, operator staff all of them.
package struct Jobs: Sendable {
    let business: Business

    /// What a list of jobs is narrowed to.
    package struct Filter: Sendable {
        package var state: JobState?
        package var kind: String?
        package var queue: String?
        package var accountID: Identifier?

        package init() {}
    }

    /// The operator's command line as a caller.
    package func console(on connection: Connection) throws -> Caller { try business.console.caller(on: connection) }

    /// One job.
    ///
    /// - Throws: `BusinessError` (`permission_denied`, `not_found`).
    package func find(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> JobRecord {
        try caller.require(.jobsView)
        guard !(try connection.run(SQL.Jobs.find, caller.accountID, seesAll(caller), id)).isEmpty,
            let job = try business.ledger.find(id, on: connection)
        else { throw BusinessError.notFound("job") }
        return job
    }

    /// Jobs, newest first.
    package func list(
        _ filter: Filter, after cursor: Identifier?, limit: Int, by caller: Caller, on connection: Connection
    ) throws -> Page<JobRecord> {
        try caller.require(.jobsView)
        let rows = try connection.run(
            SQL.Jobs.list.plannedAnew, caller.accountID, seesAll(caller), cursor, filter.state?.rawValue, filter.kind, filter.queue, filter.accountID,
            limit + 1)
        return try Page(rows.map { try JobRecord($0) }, limit: limit) { $0.id }
    }

    /// Cancels a job.
    ///
    /// - Throws: `BusinessError` (`permission_denied`, `not_found`, `job_state`, `cancel_the_plan`).
    package func cancel(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> CancelOutcome {
        let job = try controlled(id, by: caller, on: connection)
        // The money of such a job is held; cancelling the plan frees it, cancelling the job alone would leave it held.
        guard !Self.holding.contains(job.kind) else {
            throw BusinessError(.conflict, "cancel_the_plan", "This job carries out a paid order; cancel the plan, and its money is free again.")
        }
        let outcome = try translated { try business.ledger.cancel(id, actor: caller.actorID, on: connection) }
        try business.audit.write(
            action: "job.cancel", resource: ("job", id), account: job.accountID ?? caller.accountID, by: caller,
            metadata: ["kind": .string(job.kind), "outcome": .string(outcome.rawValue)], on: connection)
        return outcome
    }

    /// Puts a dead job back to its queue, its attempts anew.
    package func retry(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> JobRecord {
        let job = try controlled(id, by: caller, on: connection)
        try translated { try business.ledger.retry(id, on: connection) }
        try business.audit.write(
            action: "job.retry", resource: ("job", id), account: job.accountID ?? caller.accountID, by: caller, metadata: ["kind": .string(job.kind)],
            on: connection)
        return try find(id, by: caller, on: connection)
    }

    /// Puts the dead jobs of a queue or a kind back, up to 500 a call.
    ///
    /// - Returns: how many, and from where to go on; nil when there are no more.
    package func retryAll(
        queue: String?, kind: String?, after cursor: Identifier?, by caller: Caller, on connection: Connection
    ) throws -> (revived: Int, next: Identifier?) {
        try caller.require(.jobsControl)
        try requireStaff(caller)
        let result = try business.ledger.retryAll(queue: queue, kind: kind, after: cursor ?? Identifier(high: 0, low: 0), on: connection)
        try business.audit.write(
            action: "job.retry_all", resource: ("job", nil), account: caller.accountID, by: caller,
            metadata: [
                "queue": queue.map(JSONValue.string) ?? .null, "kind": kind.map(JSONValue.string) ?? .null, "count": .int(Int64(result.revived)),
            ], on: connection)
        return (result.revived, result.last)
    }

    /// All queues with what waits, runs and is dead in them.
    package func queues(by caller: Caller, on connection: Connection) throws -> [QueueOverview] {
        try caller.require(.queuesView)
        try requireStaff(caller)
        return try business.ledger.overview(on: connection)
    }

    /// Pauses or resumes a queue.
    package func setPaused(_ paused: Bool, queue: String, by caller: Caller, on connection: Connection) throws {
        try caller.require(.queuesControl)
        try requireStaff(caller)
        try translated { try business.ledger.setPaused(paused, queue: queue, actor: caller.actorID, on: connection) }
        try business.audit.write(
            action: paused ? "queue.pause" : "queue.resume", resource: ("queue", nil), account: caller.accountID, by: caller,
            metadata: ["queue": .string(queue)], on: connection)
    }

    /// The workers that are registered.
    package func workers(by caller: Caller, on connection: Connection) throws -> [JSONValue] {
        try caller.require(.queuesView)
        try requireStaff(caller)
        return try connection.run(SQL.Jobs.workers).map { row in
            let (id, started): (Identifier, Instant) = (try row("id"), try row("started_at"))
            let queues: [String] = try row("queues")
            return [
                "id": .string(id.text("worker")), "host": .string(try row("host")), "process": .int(try row("process")),
                "role": .string(try row("role")),
                "queues": .array(queues.map(JSONValue.string)), "running": .int(try row("running")), "stopping": .bool(try row("stopping")),
                "alive": .bool(try row("alive")), "startedAt": .time(started),
            ]
        }
    }

    /// The schedules with their last and next slots.
    package func schedules(by caller: Caller, on connection: Connection, now: Instant = .now) throws -> [JSONValue] {
        try caller.require(.queuesView)
        try requireStaff(caller)
        var last: [String: Instant] = [:]
        for row in try connection.run(SQL.Jobs.schedules) {
            let (kind, name): (String, String) = (try row("kind"), try row("name"))
            last["\(kind)/\(name)"] = try row("last_slot")
        }
        return business.ledger.catalog.sortedJobs.flatMap { definition in
            definition.schedules.map { schedule in
                let zone = try? TimeZoneRules.named(schedule.timeZone)
                return [
                    "kind": .string(definition.kind), "name": .string(schedule.name), "cron": .string(schedule.cron.text),
                    "timeZone": .string(schedule.timeZone), "catchUp": .string(schedule.catchUp.rawValue),
                    "lastSlot": .time(last["\(definition.kind)/\(schedule.name)"]),
                    "nextSlot": .time(zone.flatMap { schedule.cron.next(after: now, in: $0) }),
                ]
            }
        }
    }

    /// Kinds for which money is held while they wait.
    private static let holding: Set<String> = ["plan.purchase", "plan.extend", "plan.order", "plan.order_extension"]

    private func seesAll(_ caller: Caller) -> Bool { caller.role.isStaff && caller.permissions.contains(.jobsViewAll) }

    private func requireStaff(_ caller: Caller) throws(BusinessError) {
        if caller.role.isStaff { return }
        throw BusinessError(.forbidden, "permission_denied", "Queues and workers are the operator's.")
    }

    private func controlled(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> JobRecord {
        let job = try find(id, by: caller, on: connection)
        try caller.require(.jobsControl)
        return job
    }

    private func translated<R>(_ body: () throws -> R) throws -> R {
        do {
            return try body()
        } catch let error as LedgerError {
            switch error.kind {
            case .notFound: throw BusinessError.notFound("job")
            case .unknownQueue: throw BusinessError(.notFound, "not_found", error.message)
            default: throw BusinessError(.conflict, "job_state", error.message)
            }
        }
    }
}
