package import Bytes
internal import Clocks
internal import Engine
package import Postgres

extension Webhooks {
    /// Tells the breakers of these endpoints how attempts went; endpoints that are well and have been are not written.
    ///
    /// - Returns: the phases that endpoints have entered.
    func observe(_ results: [WebhookResult], on connection: Connection) throws -> [EndpointHealth.Phase] {
        let rules = business.rules.breaker
        let notable = results.filter { $0.verdict != .delivered || $0.attempt.duration >= rules.slowAfter }.map(\.endpointID)
        let endpoints = Set(results.map(\.endpointID))
        let rows = try connection.run(SQL.WebhookHealth.lock, endpoints.sorted(), Set(notable).sorted())
        guard !rows.isEmpty else { return [] }
        var wishes: [Identifier: (inFlight: Int, rate: Int?)] = [:]
        let phases = [EndpointHealth.Phase.probing, .ramping].map(\.rawValue)
        let ramping = try rows.filter { phases.contains(try $0("phase")) }.map { try $0("endpoint_id") as Identifier }
        if !ramping.isEmpty {
            for row in try connection.run(SQL.WebhookHealth.fullOf, ramping) {
                wishes[try row("id")] = (try row("max_in_flight"), try row("rate_per_second"))
            }
        }
        var changed: [(id: Identifier, health: EndpointHealth)] = []
        var entered: [EndpointHealth.Phase] = []
        var limits: [(id: Identifier, inFlight: Int, rate: Int?)] = []
        let byEndpoint = Dictionary(grouping: results, by: \.endpointID)
        for row in rows {
            let (id, now): (Identifier, Instant) = (try row("endpoint_id"), try row("now"))
            let probe: Identifier? = try row("probe_id")
            let before = try EndpointHealth(row)
            var health = before
            for result in (byEndpoint[id] ?? []).sorted(by: { $0.admittedAt < $1.admittedAt }) {
                health.observe(
                    result.forBreaker, took: result.attempt.duration, isProbe: result.deliveryID == probe, startedAt: result.admittedAt, now: now,
                    full: wishes[id]?.inFlight ?? .max, rules: rules)
            }
            guard health != before else { continue }
            changed.append((id, health))
            if health.phase != before.phase { entered.append(health.phase) }
            if let wish = wishes[id], health.allowed != before.allowed {
                let allowed = health.phase == .ramping ? min(health.allowed, wish.inFlight) : wish.inFlight
                limits.append((id, allowed, wish.rate))
            }
        }
        try save(changed, on: connection)
        for limit in limits.sorted(by: { $0.id < $1.id }) {
            try applyLimits(of: limit.id, inFlight: limit.inFlight, ratePerSecond: limit.rate, on: connection)
        }
        return entered
    }

    /// Says that an endpoint has let an attempt wait for long, while that goes on.
    package func markSlow(_ endpoint: Identifier, on connection: Connection) throws {
        try connection.run(SQL.WebhookHealth.markSlow, endpoint)
    }

    private func save(_ changed: [(id: Identifier, health: EndpointHealth)], on connection: Connection) throws {
        guard !changed.isEmpty else { return }
        let health = changed.map(\.health)
        try connection.run(
            SQL.WebhookHealth.save, changed.map(\.id), health.map(\.phase.rawValue), health.map(\.since), health.map(\.until),
            health.map { Int32($0.failures) }, health.map { Int32($0.openings) }, health.map { Int32($0.allowed) },
            health.map { Int32($0.successes) },
            health.map(\.reason), health.map(\.isSlow), health.map { Int32($0.paceCount) })
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
