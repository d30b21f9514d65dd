package import Bytes
package import Clocks
internal import Engine
package import JSON
package import Postgres

extension Webhooks {
    /// Writes an event and, for each endpoint that wants it, a delivery with its job, all in the caller's transaction: four statements for any number of
    /// endpoints, none of which locks a row that another transaction may want.
    ///
    /// The body is made here, once per form, and stored as the bytes that every attempt signs and sends.
    /// - Parameters:
    ///   - account: whose event it is; endpoints of this account and of its ancestors hear of it.
    ///   - data: never holds a secret.
    ///   - sick: an endpoint that does not hear of it, as it is the one that is spoken of.
    package func emit(
        _ type: WebhookEventType, account: Identifier, data: JSONValue, except sick: Identifier? = nil, on connection: Connection,
        now: Instant = .now
    ) throws {
        let event = Identifier.next()
        try connection.run(SQL.WebhookEvents.insertEvent, event, account, type.rawValue, data, now)
        let subscribers = try connection.run(SQL.WebhookEvents.subscribers, account, type.rawValue).map { try Subscriber($0) }
        try deliver(event, type, data, to: subscribers.filter { $0.endpoint != sick }, on: connection, now: now)
    }

    /// Writes a delivery for each of these endpoints and enqueues its job.
    @discardableResult
    func deliver(
        _ event: Identifier, _ type: WebhookEventType, _ data: JSONValue, to subscribers: [Subscriber], on connection: Connection, now: Instant
    ) throws -> [Sending] {
        guard !subscribers.isEmpty else { return [] }
        let bodies = Dictionary(uniqueKeysWithValues: Set(subscribers.map(\.form)).map { ($0, $0.body(type: type, at: now, data: data)) })
        let deliveries = subscribers.map { _ in Identifier.next() }
        let jobs = zip(deliveries, subscribers).map { Self.job(sending: $0, to: $1.endpoint, account: $1.account, isSlow: $1.isSlow) }
        try connection.run(
            SQL.WebhookEvents.insertDeliveries, event, type.rawValue, now, deliveries, subscribers.map(\.endpoint), subscribers.map(\.account),
            subscribers.map(\.form.rawValue), subscribers.map { bodies[$0.form] ?? [] }, jobs.map(\.id))
        try business.ledger.enqueue(jobs, on: connection, now: now)
        return zip(deliveries, jobs).map { Sending(deliveryID: $0, jobID: $1.id) }
    }

    /// The job that sends a delivery.
    static func job(sending delivery: Identifier, to endpoint: Identifier, account: Identifier, isSlow: Bool) -> NewJob {
        NewJob(
            Self.kind, ["deliveryId": .string(delivery.text("msg")), "endpointId": .string(endpoint.text("we"))], account: account,
            queue: isSlow ? slowLane : nil)
    }

    /// An endpoint that is to get an event.
    struct Subscriber {
        var endpoint: Identifier
        var account: Identifier
        var form: SignatureForm
        var isSlow: Bool

        init(_ endpoint: WebhookEndpoint) {
            self.endpoint = endpoint.id
            account = endpoint.accountID
            form = endpoint.form
            isSlow = endpoint.isSlow
        }

        init(_ row: Row) throws {
            endpoint = try row("id")
            account = try row("account_id")
            form = SignatureForm(rawValue: try row("signature_form")) ?? .standard
            isSlow = try row("is_slow")
        }
    }

    /// A delivery and the job that sends it.
    package struct Sending: Sendable {
        package var deliveryID: Identifier
        package var jobID: Identifier
    }
}
