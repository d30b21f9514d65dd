internal import Bytes
internal import Postgres
internal import RabbitMQ
internal import Telemetry

/// The relay's state while both its connections stand.
final class RelayLoop {
    private let settings: RelaySettings
    private let connection: Connection
    private let publisher: Publisher
    private let topology: Topology
    private let log: Logger
    private let metrics: RelayMetrics
    private var picker: OutboxPicker
    /// Queues whose messages the broker refused, until when (monotonic seconds) they are left alone.
    private var resting: [String: Double] = [:]
    /// A queue is gone from the broker: only a new start declares it again.
    private var unroutable = false
    /// Turns one after the other in which windows were full and nothing could be sent.
    private var idleTurns = 0

    init(
        settings: RelaySettings, database: ConnectionSettings, broker: BrokerSettings, topology: Topology, log: Logger, metrics: RelayMetrics
    ) throws {
        self.settings = settings
        self.topology = topology
        self.log = log
        self.metrics = metrics
        picker = OutboxPicker(agingStep: settings.agingStep)
        let connection = try Connection(database)
        self.connection = connection
        let admin = try BrokerConnection(broker)
        let differing = try topology.restore(on: admin) { queue in
            // Before the queue is made: a crash in between finds it missing once more.
            let again = try connection.run(SQL.Ledger.unsend, queue).affected
            if again > 0 { log.warning("queue was empty or new at the broker, wake-ups are sent again", ["queue": queue, "count": "\(again)"]) }
        }
        for (queue, error) in differing {
            log.error(
                "queue stands at the broker with other arguments and is used as it is; delete it when it is empty",
                [
                    "queue": queue, "error": String(describing: error),
                ])
        }
        admin.close()
        publisher = try Publisher(broker)
        try connection.listen(RelayBell.channel)
    }

    func close() {
        publisher.close()
    }

    /// One turn: everything that is due and fits the windows is published; then waits for a ring, or for what becomes due.
    func turn() throws {
        let promoted = try connection.run(SQL.Relay.promote, 1000).affected
        var published = 0
        var limited = false
        let paused: Set<String> = try Set(connection.run(SQL.Relay.pausedQueues).map { try $0("queue") })
        let ready: [String] = try connection.run(SQL.Relay.readyQueues).map { try $0("queue") }
        if !ready.isEmpty {
            var sent: [String: Int] = [:]
            for row in try connection.run(SQL.Relay.sentCounts) { sent[try row("queue")] = try row("count") }
            for queue in ready where !paused.contains(queue) {
                guard topology.catalog.queues[queue] != nil else { continue }
                let free = min(settings.window - (sent[queue] ?? 0), settings.batch)
                if free <= 0 || isResting(queue) {
                    limited = true
                    continue
                }
                let count = try publish(queue: queue, slots: free)
                published += count
                if count == free { limited = true }
            }
        }
        if unroutable { throw QueueGone() }
        if published > 0 || promoted == 1000 {
            idleTurns = 0
            return
        }
        try wait(limited: limited)
    }

    /// A claim that makes room in a window rings no bell, so a full window is looked at again soon, and less and less soon while nobody claims.
    private func wait(limited: Bool) throws {
        var milliseconds = 1000
        if limited {
            milliseconds = min(10 << min(idleTurns, 5), 160)
            idleTurns += 1
        } else {
            idleTurns = 0
        }
        if let next: Int = try connection.run(SQL.Relay.nextDue).first?("milliseconds") ?? nil {
            milliseconds = max(1, min(milliseconds, next))
        }
        _ = try connection.notifications(timeout: .milliseconds(milliseconds))
        try publisher.keepAlive()
    }

    /// Takes, publishes and marks up to `slots` rows of a queue in one transaction.
    private func publish(queue: String, slots: Int) throws -> Int {
        let began = monotonicNanoseconds()
        var confirmed: [Identifier] = []
        var taken = 0
        try connection.transaction { connection in
            let rows = try picker.pick(queue: queue, slots: slots, on: connection)
            taken = rows.count
            guard !rows.isEmpty else { return }
            let messages = try rows.map { try message(queue: queue, row: $0) }
            let outcomes = try publisher.publish(messages)
            for (row, outcome) in zip(rows, outcomes) {
                if case .confirmed = outcome { confirmed.append(try row("job_id")) } else { refused(queue, outcome) }
            }
            if !confirmed.isEmpty { _ = try connection.run(SQL.Relay.markSent, confirmed) }
        }
        if taken > 0 {
            metrics.published.increment(by: confirmed.count)
            metrics.turnSeconds.observe(Double(monotonicNanoseconds() - began) / 1e9)
        }
        return confirmed.count
    }

    private func message(queue: String, row: Row) throws -> OutgoingMessage {
        let id: Identifier = try row("job_id")
        let number: Int64 = try row("publish")
        let kind: String = try row("kind")
        let trace: String? = try row("trace")
        var headers: [String: HeaderValue] = ["publish": .int(number + 1), "kind": .string(kind)]
        // A traceparent has 55 characters; what does not fit a frame would never go out, and block its queue.
        if let trace, trace.utf8.count <= 255 { headers["traceparent"] = .string(trace) }
        return OutgoingMessage(exchange: "", routingKey: topology.name(queue), messageID: id.description, headers: headers, body: [])
    }

    private func refused(_ queue: String, _ outcome: PublishOutcome) {
        metrics.refused.increment()
        if !isResting(queue) { log.error("the broker did not take a wake-up", ["queue": queue, "outcome": "\(outcome)"]) }
        resting[queue] = Double(monotonicNanoseconds()) / 1e9 + 0.5
        if case .returned = outcome { unroutable = true }
    }

    private func isResting(_ queue: String) -> Bool {
        guard let until = resting[queue] else { return false }
        if Double(monotonicNanoseconds()) / 1e9 < until { return true }
        resting[queue] = nil
        return false
    }
}

/// A wake-up could not be routed; the relay starts again and declares its queues.
struct QueueGone: Error, CustomStringConvertible {
    var description: String { "a queue is missing at the broker" }
}
