package import Bytes
package import Clocks
internal import Engine
internal import JSON
package import Postgres

extension Webhooks {
    /// The delivery log of an endpoint, newest first.
    package func deliveries(
        of endpoint: Identifier, state: WebhookDelivery.State?, type: String?, after cursor: Identifier?, limit: Int, by caller: Caller,
        on connection: Connection
    ) throws -> Page<WebhookDelivery> {
        _ = try find(endpoint, by: caller, on: connection)
        let rows = try connection.run(
            SQL.WebhookDeliveries.list.plannedAnew, caller.accountID, endpoint, cursor, state?.rawValue, type, limit + 1)
        return try Page(rows.map { try WebhookDelivery($0) }, limit: limit) { $0.id }
    }

    /// One delivery with the body that was sent and all its attempts.
    package func delivery(
        _ id: Identifier, by caller: Caller, on connection: Connection
    ) throws -> (delivery: WebhookDelivery, body: String, attempts: [WebhookAttempt]) {
        try caller.require(.webhooksView)
        guard let row = try connection.run(SQL.WebhookDeliveries.find, caller.accountID, id).first else {
            throw BusinessError.notFound("webhook delivery")
        }
        let body: [UInt8] = try row("body")
        let attempts = try connection.run(SQL.WebhookDeliveries.attempts, id).map { try WebhookAttempt($0) }
        return (try WebhookDelivery(row), String(decoding: body, as: UTF8.self), attempts)
    }

    /// Sends a delivery again: the same bytes under the same id, so a receiver that has it already can tell.
    ///
    /// - Throws: `BusinessError` (`delivery_pending` while it is still on its way, `endpoint_inactive`).
    package func replay(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> Sending {
        try caller.require(.webhooksEdit)
        let endpoint = try locked(try shown(id, by: caller, on: connection).endpointID, by: caller, on: connection)
        guard endpoint.active else { throw BusinessError(.conflict, "endpoint_inactive", "Activate the endpoint before replaying to it.") }
        // Read again under the endpoint's lock, under which replays take turns.
        guard try shown(id, by: caller, on: connection).state != .pending else {
            throw BusinessError(.conflict, "delivery_pending", "The delivery is still on its way.")
        }
        let job = try send(again: [id], to: endpoint, on: connection)[0]
        try business.audit.write(
            action: "webhook_delivery.replay", resource: ("webhook_delivery", id), account: endpoint.accountID, by: caller, job: job, on: connection)
        return Sending(deliveryID: id, jobID: job)
    }

    /// Sends again what an endpoint was sent in a time range and is not on its way, at most ten thousand at once, oldest first.
    ///
    /// - Parameters:
    ///   - onlyFailed: leaves out what was delivered.
    ///   - dryRun: counts and sends nothing.
    /// - Returns: how many, and whether there are more in the range than were taken.
    package func replay(
        endpoint id: Identifier, from: Instant, to: Instant, onlyFailed: Bool, dryRun: Bool, by caller: Caller, on connection: Connection
    ) throws -> (count: Int, more: Bool) {
        guard from < to else { throw BusinessError(.invalid, "empty_range", "The range ends before it begins.", field: "/to") }
        let endpoint = try locked(id, by: caller, on: connection)
        guard endpoint.active else { throw BusinessError(.conflict, "endpoint_inactive", "Activate the endpoint before replaying to it.") }
        let limit = 10_000
        let found: [Identifier] = try connection.run(
            SQL.WebhookDeliveries.inRange, id, from, to, onlyFailed, limit + 1
        ).map { try $0("id") }
        let ids = Array(found.prefix(limit))
        if !dryRun, !ids.isEmpty {
            _ = try send(again: ids, to: endpoint, on: connection)
            try business.audit.write(
                action: "webhook_endpoint.replay", resource: ("webhook_endpoint", id), account: endpoint.accountID, by: caller,
                metadata: ["from": .time(from), "to": .time(to), "onlyFailed": .bool(onlyFailed), "count": .int(Int64(ids.count))], on: connection)
        }
        return (ids.count, found.count > limit)
    }

    private func send(again ids: [Identifier], to endpoint: WebhookEndpoint, on connection: Connection) throws -> [Identifier] {
        let jobs = try business.ledger.enqueue(
            ids.map { Self.job(sending: $0, to: endpoint.id, account: endpoint.accountID, isSlow: endpoint.isSlow) }, on: connection
        ).map(\.id)
        try connection.run(SQL.WebhookDeliveries.startReplays, ids, jobs)
        return jobs
    }

    private func shown(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> WebhookDelivery {
        guard let row = try connection.run(SQL.WebhookDeliveries.find, caller.accountID, id).first else {
            throw BusinessError.notFound("webhook delivery")
        }
        return try WebhookDelivery(row)
    }
}
