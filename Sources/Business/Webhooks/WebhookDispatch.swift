package import Bytes
internal import Clocks
internal import Crypto
internal import Engine
package import Postgres

/// What is to become of a delivery that a worker has in hand.
package enum WebhookDispatch: Sendable {
    /// Send it now.
    case send(WebhookMessage)
    /// Its endpoint is not called at this moment; it waits without spending an attempt.
    case wait(Duration)
    /// Its endpoint is slow, and this is not the slow lane.
    case move
    /// It is not to be sent any more: its endpoint is gone or inactive, or it has ended.
    case skip
    /// It cannot be read: its secret does not open.
    case failed(any Error)
}

extension Webhooks {
    /// The queue of deliveries to slow endpoints.
    package static let slowLane = "webhook-slow"

    /// Reads deliveries for sending, all in one statement, and asks the breaker about each.
    ///
    /// Outside of a transaction: that a probe was let through must be known to all workers before it goes.
    ///
    /// - Parameter requests: each delivery with the job that asks; a dead job that was put back sends what it had failed to send.
    package func dispatch(
        _ requests: [(delivery: Identifier, job: Identifier, queue: String)], on connection: Connection
    ) throws -> [Identifier: WebhookDispatch] {
        var dispatches: [Identifier: WebhookDispatch] = [:]
        var probes: Set<Identifier> = []
        let asked = Dictionary(requests.map { ($0.delivery, $0) }, uniquingKeysWith: { first, _ in first })
        for row in try connection.run(SQL.WebhookDeliveries.forSending, requests.map(\.delivery)) {
            let id: Identifier = try row("id")
            guard let request = asked[id] else { continue }
            guard try isToBeSent(row, job: request.job) else { continue }
            let (endpoint, now): (Identifier, Instant) = (try row("endpoint_id"), try row("now"))
            let health = try health(row)
            if health?.isSlow == true, request.queue != Self.slowLane {
                dispatches[id] = .move
                continue
            }
            var isProbe = false
            switch health?.admission(at: now) ?? .send {
            case .send: break
            case .wait(let until):
                dispatches[id] = .wait(spread(until - now, isProbed: health?.phase == .probing))
                continue
            case .probe:
                // Others of this batch must not even ask.
                guard probes.insert(endpoint).inserted, try takeProbe(of: endpoint, by: id, on: connection) else {
                    dispatches[id] = .wait(.milliseconds(Int64.random(in: 1000...5000)))
                    continue
                }
                isProbe = true
            }
            do {
                dispatches[id] = .send(try message(row, now: now, isProbe: isProbe))
            } catch {
                dispatches[id] = .failed(error)
            }
        }
        for request in requests where dispatches[request.delivery] == nil { dispatches[request.delivery] = .skip }
        return dispatches
    }

    private func isToBeSent(_ row: Row, job: Identifier) throws -> Bool {
        let (active, deleted): (Bool, Bool) = (try row("active"), try row("deleted"))
        guard active, !deleted else { return false }
        switch WebhookDelivery.State(rawValue: try row("state")) {
        case .pending: return true
        case .failed: return try row("job_id") == job
        case .delivered, .cancelled, nil: return false
        }
    }

    private func health(_ row: Row) throws -> EndpointHealth? {
        guard let name: String = try row("phase"), let phase = EndpointHealth.Phase(rawValue: name) else { return nil }
        var health = EndpointHealth(since: try row("since"))
        (health.phase, health.until) = (phase, try row("until"))
        health.isSlow = try row("is_slow")
        return health
    }

    /// What waits for an endpoint comes back spread over as long again as it waits, so that it does not all ask at once.
    private func spread(_ rest: Duration, isProbed: Bool) -> Duration {
        // The probe answers soon; nobody need wait for the time when it counts as lost.
        let rest = isProbed ? min(rest, .seconds(2)) : rest
        let width = max(.seconds(1), min(rest, business.rules.breaker.longestPause))
        return rest + .microseconds(Int64.random(in: 0...width.microseconds))
    }

    private func takeProbe(of endpoint: Identifier, by delivery: Identifier, on connection: Connection) throws -> Bool {
        let lost = Double(business.rules.breaker.probeLost.microseconds) / 1e6
        return try !connection.run(SQL.WebhookHealth.takeProbe, endpoint, delivery, lost).isEmpty
    }

    private func message(_ row: Row, now: Instant, isProbe: Bool) throws -> WebhookMessage {
        let endpoint: Identifier = try row("endpoint_id")
        var sealed: [[UInt8]] = [try row("secret")]
        if let previous: [UInt8] = try row("previous_secret"), let until: Instant = try row("previous_secret_until"), until > now {
            sealed.append(previous)
        }
        let secrets = try sealed.map {
            try WebhookSecret(business.keys.openText($0, associated: "webhook_endpoint:\(endpoint)").reveal)
        }
        return WebhookMessage(
            deliveryID: try row("id"), endpointID: endpoint, type: try row("type"), url: try row("url"),
            form: SignatureForm(rawValue: try row("signature_form")) ?? .standard, body: try row("body"), secrets: secrets,
            admittedAt: now, isProbe: isProbe)
    }
}
