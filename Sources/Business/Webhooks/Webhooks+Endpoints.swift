package import Bytes
internal import Clocks
package import Crypto
internal import JSON
package import Postgres

/// What is said of an endpoint when it is made or changed; nil leaves a field as it is.
package struct WebhookEndpointChange: Sendable {
    package var url: String?
    package var description: String?
    package var events: [String]?
    package var form: SignatureForm?
    package var active: Bool?
    /// 1 to 256.
    package var maximumInFlight: Int?
    /// 1 to 1000; `.some(nil)` takes the limit away.
    package var ratePerSecond: Int??

    package init() {}

    /// The in-flight limit of an endpoint that does not say another.
    package static let standardInFlight = 16
}

extension Webhooks {
    /// Makes an endpoint.
    ///
    /// That its URL leads to an address that may be called was checked by the caller, and is checked again at every attempt.
    ///
    /// - Returns: the endpoint and its secret, which is never shown again.
    /// - Throws: `BusinessError` (`permission_denied`, `missing_url`, `url_too_long`, `description_too_long`, `no_events`, `unknown_event`,
    ///   `too_many_endpoints`).
    package func create(
        _ change: WebhookEndpointChange, by caller: Caller, on connection: Connection
    ) throws -> (endpoint: WebhookEndpoint, secret: Secret<String>) {
        try caller.require(.webhooksEdit)
        guard let url = change.url else { throw BusinessError(.invalid, "missing_url", "Say where to send the events.", field: "/url") }
        try check(change)
        guard let events = change.events else { throw Self.noEvents }
        try connection.run(SQL.WebhookEndpoints.lockAccount, caller.accountID)
        let count: Int = try connection.run(SQL.WebhookEndpoints.countOf, caller.accountID).only()("count")
        guard count < business.rules.webhookEndpointsPerAccount else {
            throw BusinessError(
                .conflict, "too_many_endpoints", "An account has at most \(business.rules.webhookEndpointsPerAccount) webhook endpoints.")
        }
        let id = Identifier.next()
        let secret = WebhookSecret.make()
        try connection.run(
            SQL.WebhookEndpoints.insert, id, caller.accountID, url, change.description ?? "", Self.distinct(events),
            (change.form ?? .standard).rawValue, change.active ?? true, change.active == false ? Self.deactivated : nil, try seal(secret, for: id),
            change.maximumInFlight ?? WebhookEndpointChange.standardInFlight, change.ratePerSecond ?? nil)
        let endpoint = try find(id, by: caller, on: connection)
        try applyLimits(of: id, inFlight: endpoint.maximumInFlight, ratePerSecond: endpoint.ratePerSecond, on: connection)
        try business.audit.write(
            action: "webhook_endpoint.create", resource: ("webhook_endpoint", id), account: caller.accountID, by: caller, after: endpoint.json,
            on: connection)
        return (endpoint, secret.text)
    }

    /// One endpoint of the caller's subtree.
    ///
    /// - Throws: `BusinessError` (`permission_denied`, `not_found`).
    package func find(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> WebhookEndpoint {
        try caller.require(.webhooksView)
        guard let row = try connection.run(SQL.WebhookEndpoints.find, caller.accountID, id).first else {
            throw BusinessError.notFound("webhook endpoint")
        }
        return try WebhookEndpoint(row)
    }

    /// Endpoints of the caller's subtree, newest first; of one account when it is named.
    package func list(
        account: Identifier?, after cursor: Identifier?, limit: Int, by caller: Caller, on connection: Connection
    ) throws -> Page<WebhookEndpoint> {
        try caller.require(.webhooksView)
        let rows = try connection.run(SQL.WebhookEndpoints.list, caller.accountID, cursor, account, limit + 1)
        return try Page(rows.map { try WebhookEndpoint($0) }, limit: limit) { $0.id }
    }

    /// Changes an endpoint.
    ///
    /// Activating one forgets its failures; another address begins with a closed breaker.
    package func update(
        _ id: Identifier, _ change: WebhookEndpointChange, by caller: Caller, on connection: Connection
    ) throws -> WebhookEndpoint {
        try check(change)
        let before = try locked(id, by: caller, on: connection)
        try connection.run(
            SQL.WebhookEndpoints.update, id, change.url ?? before.url, change.description ?? before.description,
            Self.distinct(change.events ?? before.events), (change.form ?? before.form).rawValue, change.active ?? before.active, Self.deactivated,
            change.maximumInFlight ?? before.maximumInFlight,
            change.ratePerSecond ?? before.ratePerSecond)
        if change.active == true && !before.active || change.url.map({ $0 != before.url }) == true {
            try forgetHealth(of: id, account: before.accountID, url: change.url ?? before.url, on: connection)
        }
        try connection.run(SQL.WebhookHealth.await, id)
        let after = try find(id, by: caller, on: connection)
        if after.phase == .closed || !after.active {
            // Otherwise the breaker's next step takes the new ones over.
            try applyLimits(of: id, inFlight: after.maximumInFlight, ratePerSecond: after.ratePerSecond, on: connection)
        }
        try business.audit.write(
            action: "webhook_endpoint.update", resource: ("webhook_endpoint", id), account: before.accountID, by: caller, before: before.json,
            after: after.json, on: connection)
        return after
    }

    /// Gives an endpoint a new secret; the old one signs too until its overlap ends, so that no delivery is rejected in between.
    package func rotateSecret(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> (WebhookEndpoint, Secret<String>) {
        let before = try locked(id, by: caller, on: connection)
        let secret = WebhookSecret.make()
        try connection.run(SQL.WebhookEndpoints.rotate, id, try seal(secret, for: id), Instant.now + business.rules.webhookSecretOverlap)
        try business.audit.write(
            action: "webhook_endpoint.rotate_secret", resource: ("webhook_endpoint", id), account: before.accountID, by: caller, on: connection)
        return (try find(id, by: caller, on: connection), secret.text)
    }

    /// Removes an endpoint; its deliveries that wait are not sent any more, their log stays until its retention.
    package func delete(_ id: Identifier, by caller: Caller, on connection: Connection) throws {
        let before = try locked(id, by: caller, on: connection)
        try connection.run(SQL.WebhookEndpoints.delete, id)
        try applyLimits(of: id, inFlight: WebhookEndpointChange.standardInFlight, ratePerSecond: nil, on: connection)
        try business.audit.write(
            action: "webhook_endpoint.delete", resource: ("webhook_endpoint", id), account: before.accountID, by: caller, before: before.json,
            on: connection)
    }

    /// Sends a test event to this endpoint alone, by the same way as every event.
    package func sendTest(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> Sending {
        let endpoint = try locked(id, by: caller, on: connection)
        guard endpoint.active else { throw BusinessError(.conflict, "endpoint_inactive", "Activate the endpoint before testing it.") }
        let now = Instant.now
        let event = Identifier.next()
        let data: JSONValue = ["message": "This is a test event from Millrace.", "endpointId": .string(id.text("we"))]
        try connection.run(SQL.WebhookEvents.insertEvent, event, endpoint.accountID, WebhookEventType.test.rawValue, data, now)
        let sending = try deliver(event, .test, data, to: [Subscriber(endpoint)], on: connection, now: now)[0]
        try business.audit.write(
            action: "webhook_endpoint.test", resource: ("webhook_endpoint", id), account: endpoint.accountID, by: caller, job: sending.jobID,
            on: connection)
        return sending
    }

    func locked(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> WebhookEndpoint {
        try caller.require(.webhooksEdit)
        guard let row = try connection.run(SQL.WebhookEndpoints.lock, caller.accountID, id).first,
            let state = try connection.run(SQL.WebhookEndpoints.find, caller.accountID, row("id") as Identifier).first
        else { throw BusinessError.notFound("webhook endpoint") }
        return try WebhookEndpoint(state)
    }

    private func check(_ change: WebhookEndpointChange) throws(BusinessError) {
        if let url = change.url, url.utf8.count > 2048 {
            throw BusinessError(.invalid, "url_too_long", "A URL has at most 2048 bytes.", field: "/url")
        }
        if let description = change.description, description.count > 500 {
            throw BusinessError(.invalid, "description_too_long", "A description has at most 500 characters.", field: "/description")
        }
        if let limit = change.maximumInFlight, !(1...256).contains(limit) {
            throw BusinessError(.invalid, "in_flight_out_of_range", "An endpoint takes 1 to 256 deliveries at a time.", field: "/maxInFlight")
        }
        if let limit = change.ratePerSecond ?? nil, !(1...1000).contains(limit) {
            throw BusinessError(.invalid, "rate_out_of_range", "An endpoint takes 1 to 1000 deliveries a second, or null.", field: "/ratePerSecond")
        }
        guard let events = change.events else { return }
        guard !events.isEmpty else { throw Self.noEvents }
        for (index, event) in events.enumerated() where event != "*" && WebhookEventType(rawValue: event) == nil {
            let known = WebhookEventType.allCases.map(\.rawValue).joined(separator: ", ")
            throw BusinessError(
                .invalid, "unknown_event", "There is no event \"\(event.prefix(60))\"; there are \(known).", field: "/events/\(index)")
        }
    }

    private static let noEvents = BusinessError(.invalid, "no_events", "Name at least one event, or *.", field: "/events")
    private static let deactivated = "deactivated by its owner"

    /// Each name once, in the order given.
    private static func distinct(_ events: [String]) -> [String] {
        var seen: Set<String> = []
        return events.filter { seen.insert($0).inserted }
    }

    private func seal(_ secret: WebhookSecret, for endpoint: Identifier) throws -> [UInt8] {
        try business.keys.seal(secret.text, associated: "webhook_endpoint:\(endpoint)").bytes
    }
}
