package import Bytes
internal import Clocks
internal import Engine
internal import JSON
package import Postgres

extension Webhooks {
    /// What an endpoint's owner has said of it.
    private struct Owned {
        var account: Identifier
        var url: String
        var inFlight: Int
        var rate: Int?
    }

    private struct Change {
        var id: Identifier
        var before: EndpointHealth
        var after: EndpointHealth
    }

    /// Tells the breakers of these endpoints how attempts went; endpoints that are well and have been are not written.
    ///
    /// The rows are locked until the commit, so a transition is made once, over all workers, and what follows from it is written once and with it.
    ///
    /// - Returns: the phases that endpoints have entered.
    func observe(_ results: [WebhookResult], on connection: Connection) throws -> [EndpointHealth.Phase] {
        let rules = business.rules.breaker
        let notable = results.filter { $0.verdict != .delivered || $0.attempt.duration >= rules.slowAfter }.map(\.endpointID)
        let endpoints = Set(results.map(\.endpointID))
        let rows = try connection.run(SQL.WebhookHealth.lock, endpoints.sorted(), Set(notable).sorted())
        guard !rows.isEmpty else { return [] }
        let notClosed = try rows.filter { try ($0("phase") as String) != EndpointHealth.Phase.closed.rawValue }
        var owned = try owned(notClosed.map { try $0("endpoint_id") }, on: connection)
        var changes: [Change] = []
        let byEndpoint = Dictionary(grouping: results, by: \.endpointID)
        for row in rows {
            let (id, now): (Identifier, Instant) = (try row("endpoint_id"), try row("now"))
            let probe: Identifier? = try row("probe_id")
            let before = try EndpointHealth(row)
            var health = before
            for result in (byEndpoint[id] ?? []).sorted(by: { $0.admittedAt < $1.admittedAt }) {
                health.observe(
                    result.forBreaker, took: result.attempt.duration, isProbe: result.deliveryID == probe, startedAt: result.admittedAt, now: now,
                    full: owned[id]?.inFlight ?? .max, rules: rules)
            }
            if health != before { changes.append(Change(id: id, before: before, after: health)) }
        }
        try save(changes, on: connection)
        let opened = changes.filter { $0.before.phase == .closed && $0.after.phase != .closed }.map(\.id)
        owned.merge(try self.owned(opened, on: connection)) { _, new in new }
        for change in changes.sorted(by: { $0.id < $1.id }) {
            guard let owned = owned[change.id] else { continue }
            try follow(change, owned, on: connection)
        }
        return changes.filter { $0.after.phase != $0.before.phase }.map(\.after.phase)
    }

    /// Writes what follows from a change: other limits, the return of what waits, and the word to the owner.
    private func follow(_ change: Change, _ owned: Owned, on connection: Connection) throws {
        let (before, after) = (change.before, change.after)
        let limits = limits(in: after, owned)
        if limits != self.limits(in: before, owned) {
            try applyLimits(of: change.id, inFlight: limits.inFlight, ratePerSecond: limits.rate, on: connection)
        }
        if after.phase != before.phase, after.phase == .ramping || after.phase == .closed { try enqueueReturn(to: change.id, on: connection) }
        if after.isOut != before.isOut {
            try announce(
                after.isOut ? .breakerOpened : .breakerClosed, of: change.id, account: owned.account, url: owned.url, health: after, on: connection)
        }
    }

    /// What the limits per key say while the breaker is in a phase.
    ///
    /// While it is not called, one delivery a second comes to ask, and the others are parked: they cost nothing there, and are the first that the ramp lets
    /// through. No more may be on their way than the ramp begins with, so that what has been claimed and not yet sent when it begins is within it.
    private func limits(in health: EndpointHealth, _ owned: Owned) -> (inFlight: Int, rate: Int?) {
        switch health.phase {
        case .closed: (owned.inFlight, owned.rate)
        case .ramping: (min(health.allowed, owned.inFlight), owned.rate)
        case .open, .probing: (min(business.rules.breaker.rampStart, owned.inFlight), 1)
        }
    }

    /// Begins anew with a closed breaker.
    func forgetHealth(of endpoint: Identifier, account: Identifier, url: String, on connection: Connection) throws {
        guard let row = try connection.run(SQL.WebhookHealth.forget, endpoint).first else { return }
        if try EndpointHealth.Phase(rawValue: row("phase")) != .closed { try enqueueReturn(to: endpoint, on: connection) }
        if try (row("openings") as Int) > 0 { try announce(.breakerClosed, of: endpoint, account: account, url: url, on: connection) }
    }

    /// Tells an endpoint's account that its breaker has opened or closed, by its other endpoints and by the audit log.
    func announce(
        _ type: WebhookEventType, of endpoint: Identifier, account: Identifier, url: String, health: EndpointHealth? = nil,
        on connection: Connection
    ) throws {
        var data: JSONObject = ["endpointId": .string(endpoint.text("we")), "url": .string(url)]
        if type == .breakerOpened, let health {
            data["reason"] = health.reason.map(JSONValue.string) ?? .null
            data["nextProbeAt"] = .time(health.until)
        }
        try business.audit.write(
            action: type == .breakerOpened ? "webhook_endpoint.breaker_open" : "webhook_endpoint.breaker_close",
            resource: ("webhook_endpoint", endpoint), account: account, by: nil, after: .object(data), on: connection)
        try emit(type, account: account, data: .object(data), except: endpoint, on: connection)
    }

    private func owned(_ endpoints: [Identifier], on connection: Connection) throws -> [Identifier: Owned] {
        guard !endpoints.isEmpty else { return [:] }
        var found: [Identifier: Owned] = [:]
        for row in try connection.run(SQL.WebhookHealth.owners, endpoints) {
            found[try row("id")] = Owned(
                account: try row("account_id"), url: try row("url"), inFlight: try row("max_in_flight"), rate: try row("rate_per_second"))
        }
        return found
    }

    /// Says that an endpoint has let an attempt wait for long, while that goes on.
    package func markSlow(_ endpoint: Identifier, on connection: Connection) throws {
        try connection.run(SQL.WebhookHealth.markSlow, endpoint)
    }

    private func save(_ changes: [Change], on connection: Connection) throws {
        guard !changes.isEmpty else { return }
        let health = changes.map(\.after)
        try connection.run(
            SQL.WebhookHealth.save, changes.map(\.id), health.map(\.phase.rawValue), health.map(\.since), health.map(\.until),
            health.map { Int32($0.failures) }, health.map { Int32($0.openings) }, health.map { Int32($0.allowed) },
            health.map { Int32($0.successes) },
            health.map(\.reason), health.map(\.isSlow), health.map { Int32($0.paceCount) })
    }
}

extension EndpointHealth {
    /// How many endpoints' breakers are in each phase; the closed ones are not counted.
    package static func census(on connection: Connection) throws -> [Phase: Int] {
        var counts: [Phase: Int] = [:]
        for row in try connection.run(SQL.WebhookHealth.census) {
            if let phase = Phase(rawValue: try row("phase")) { counts[phase] = try row("count") }
        }
        return counts
    }
}

extension EndpointHealth {
    /// A row of `webhook_endpoint_health`.
    init(_ row: Row) throws {
        self.init(since: try row("since"))
        phase = Phase(rawValue: try row("phase")) ?? .closed
        (until, failures, openings) = (try row("until"), try row("failures"), try row("openings"))
        (allowed, successes, reason) = (try row("allowed"), try row("successes"), try row("reason"))
        (isSlow, paceCount) = (try row("is_slow"), try row("pace_count"))
    }
}

extension WebhookAttempt {
    var duration: Duration { .microseconds(durationMicroseconds) }
}
