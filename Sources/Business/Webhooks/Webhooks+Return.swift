package import Bytes
internal import Engine
internal import JSON
package import Postgres

// After an outage. Most of what waited for the endpoint is parked under its limit and comes as the ramp lets it through. What asked while the breaker was open
// waits for a time, and so does what failed: hours, late in the schedule. Once the endpoint answers, these come back too: while it ramps up as many as the
// ramp can take, so that it has something to ramp with and a server that falls again is not met by everything at once; and all of them when it has closed.
extension Webhooks {
    /// Has deliveries brought back, by a job: there may be more of them than one transaction should move.
    func enqueueReturn(to endpoint: Identifier, on connection: Connection) throws {
        try business.ledger.enqueue(NewJob("webhook.resume", ["endpointId": .string(endpoint.text("we"))]), on: connection)
    }

    /// Lets deliveries come now that wait for a time, as many as fit the endpoint's phase and one transaction, the oldest first.
    ///
    /// Left alone are those that the receiver asked to be sent later, and those that have spent more than half of their attempts: an endpoint that goes up and
    /// down, or a delivery that is refused for its own sake, must not use up in minutes what is meant to last for days.
    ///
    /// - Parameter cursor: the last one that the call before looked at; nil in the first call.
    /// - Returns: how many, and from where the next call goes on; nil when there is nothing more to do.
    package func bringBack(_ endpoint: Identifier, after cursor: Identifier?, on connection: Connection) throws -> (count: Int, last: Identifier?) {
        guard let row = try connection.run(SQL.WebhookHealth.phaseOf, endpoint).first else { return (0, nil) }
        let (account, full): (Identifier, Int) = (try row("account_id"), try row("max_in_flight"))
        func bring(after cursor: Identifier? = nil, unsent: Bool, limit: Int) throws -> (found: [Identifier], moved: Int) {
            let found: [Identifier] = try connection.run(
                SQL.WebhookDeliveries.waiting.plannedAnew, account, cursor, endpoint.text("we"), unsent, limit
            ).map { try $0("id") }
            return (found, try business.ledger.bringForward(found, on: connection))
        }
        switch EndpointHealth.Phase(rawValue: try row("phase")) ?? .closed {
        case .open, .probing: return (0, nil)
        case .ramping:
            // The steps up to the limit take less than twice the limit. What has never been sent first: what failed may fail again and end the ramp.
            let unsent = try bring(unsent: true, limit: 2 * full).moved
            guard unsent < 2 * full else { return (unsent, nil) }
            return (unsent + (try bring(unsent: false, limit: 2 * full - unsent).moved), nil)
        case .closed:
            let batch = try bring(after: cursor, unsent: false, limit: Self.batch)
            return (batch.moved, batch.found.count < Self.batch ? nil : batch.found.last)
        }
    }

    private static let batch = 500
}
