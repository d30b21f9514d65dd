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
    /// The queues that have ready rows, and until when (monotonic nanoseconds) they are not looked for again.
    private var ready: (queues: [String], until: Int64) = ([], 0)
    private var numbers = SettledNumbers()
    /// This turn found rows that somebody else has in hand; they may be free in a moment.
    private var hasLeft = false
    /// What waits at the broker, by queue.
    private var windows: [String: BrokerWindow] = [:]
    /// Until when (monotonic nanoseconds) what others have in hand is looked out for.
    private var heldUntil: Int64 = 0
    /// Jobs of a turn behind which the next is begun at once.
    private static let many = 64
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
        var database = database
        database.prefersIndexes = true
        database.keepsIndexOrder = true
        database.lockTimeout = .seconds(1)
        // A mark that is lost with the server is made again, with the same number; who has claimed by it has put it on disk with his own commit.
        database.waitsForDisk = false
        let connection = try Connection(database)
        self.connection = connection
        let admin = try BrokerConnection(broker)
        let differing = try topology.restore(on: admin) { queue in
            // Before the queue is made: a crash in between finds it missing once more.
            let again = try connection.transaction { connection in
                try connection.script("SET LOCAL synchronous_commit = on")
                return try connection.run(SQL.Ledger.unsend, queue).affected
            }
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
        // Until it is known which numbers are settled, flows would be walked through from their beginning.
        for _ in 0..<3 { _ = try lookAround() }
    }

    func close() {
        publisher.close()
    }

    /// One turn: everything that is due and fits the windows is published; then waits for a ring, or for what becomes due.
    func turn() throws {
        let around = try lookAround()
        var published = 0
        var limited = false
        hasLeft = false
        for queue in ready.queues {
            guard let definition = topology.catalog.queues[queue], !around.paused.contains(queue) else { continue }
            let room = isResting(queue) ? 0 : try room(in: definition)
            if room == 0 {
                limited = true
                continue
            }
            let remembers = picker.remembers(queue)
            let count = try publish(definition, slots: room)
            published += count
            if count == room || hasLeft || remembers || picker.rests(queue) || isResting(queue) { limited = true }
        }
        if unroutable { throw QueueGone() }
        if published > 0 { idleTurns = 0 }
        // There is more, or so much comes that there will be. After a few jobs, what was committed since the look has its own ring.
        if around.promoted > 0 || published > 0 && limited || published >= Self.many { return idleTurns = 0 }
        // Nothing in the queues that were known from before, though they have room: then in another one.
        if !limited, !around.isNew, ready.queues.count < topology.catalog.queues.count { return ready.until = 0 }
        try wait(limited: limited, dueAt: around.dueAt)
    }

    /// What is due, paused and ready.
    ///
    /// Where looking for ready queues takes long, as under an old snapshot, it is not done again for fifty times as long. Those that were found stand for a
    /// second at most, in which another one may become ready; then all are taken for ready, and what is known of each tells more.
    ///
    /// - Returns: `dueAt`: monotonic nanoseconds; `isNew`: the ready queues were looked for.
    private func lookAround() throws -> (promoted: Int, paused: Set<String>, dueAt: Int64?, isNew: Bool) {
        let now = monotonicNanoseconds()
        let isNew = now >= ready.until
        let row = try connection.run(SQL.Relay.lookAround, 1000, isNew).only()
        if let queues: [String] = try row("ready") {
            let took = monotonicNanoseconds() - now
            ready = took > 20_000_000 ? (topology.catalog.queues.keys.sorted(), now + 50 * took) : (queues, took > 2_000_000 ? now + 50 * took : 0)
        }
        numbers.saw(givenOut: try row("given_out"), oldest: try row("oldest"), next: try row("next"))
        let promoted: Int = try row("promoted")
        // What has just become ready may be in a queue that this look did not see.
        if promoted > 0 { ready.until = 0 }
        let nextDue: Int64? = try row("next_due")
        return (promoted, Set(try row("paused") as [String]), nextDue.map { now + $0 * 1_000_000 }, isNew)
    }

    /// How many more jobs the queue's window takes in this turn; nothing until a good part of it is free, since each look and each turn has its price.
    private func room(in queue: QueueDefinition) throws -> Int {
        let least = min(settings.batch, max(1, settings.window / 4))
        // What was there at the last look and was sent since is the most that can wait: workers only take away.
        var free = windows[queue.queue, default: BrokerWindow()].free(of: settings.window)
        if free < least {
            guard let waiting = try publisher.connection.declarePassively(topology.name(queue.queue))?.messages else { throw QueueGone() }
            windows[queue.queue, default: BrokerWindow()].saw(waiting: waiting)
            free = windows[queue.queue, default: BrokerWindow()].free(of: settings.window)
        }
        return free < least ? 0 : min(free, settings.batch)
    }

    /// A claim that makes room in a window rings no bell, so a full window is looked at again soon, and less and less soon while nobody claims.
    ///
    /// - Parameter dueAt: monotonic nanoseconds.
    private func wait(limited: Bool, dueAt: Int64?) throws {
        var milliseconds = 1000
        if limited {
            milliseconds = min(10 << min(idleTurns, 5), 160)
            idleTurns += 1
        } else {
            idleTurns = 0
        }
        if let dueAt { milliseconds = max(1, min(milliseconds, Int((dueAt - monotonicNanoseconds()) / 1_000_000))) }
        _ = try connection.notifications(timeout: .milliseconds(milliseconds))
        try publisher.keepAlive()
    }

    /// Picks, marks and publishes up to `slots` rows of a queue in one transaction.
    private func publish(_ definition: QueueDefinition, slots: Int) throws -> Int {
        picker.skipsLocked = monotonicNanoseconds() < heldUntil
        let before = picker
        do {
            return try publishPicked(definition, slots: slots)
        } catch let error as PostgresError where error.kind == .lockTimeout {
            picker = before
            // Somebody has a row in hand for long: a worker that found it without its wake-up.
            heldUntil = monotonicNanoseconds() + 30_000_000_000
            hasLeft = true
            return 0
        }
    }

    private func publishPicked(_ definition: QueueDefinition, slots: Int) throws -> Int {
        let began = monotonicNanoseconds()
        let queue = definition.queue
        var confirmed = 0
        var taken = 0
        var left: [Row] = []
        // Without locks a pick is a look, and most looks find nothing: the transaction begins with the marks.
        var found = picker.skipsLocked ? nil : try picker.pick(queue: queue, slots: slots, settled: numbers.last, on: connection)
        if let found, found.isEmpty { return 0 }
        try connection.transaction { connection in
            let picked = try found.take() ?? picker.pick(queue: queue, slots: slots, settled: numbers.last, on: connection)
            guard !picked.isEmpty else { return }
            let rows = try mark(picked, left: &left, on: connection)
            taken = rows.count
            guard !rows.isEmpty else { return }
            // A turn's jobs make at least eight messages, so that several workers get their share of a small backlog.
            let messages = grouped(rows, limit: max(1, min(definition.jobsPerMessage, rows.count / 8)))
            let outcomes = try publisher.publish(messages.map { $0.outgoing(routingKey: topology.name(queue)) })
            var notTaken: [Identifier] = []
            for (message, outcome) in zip(messages, outcomes) {
                if case .confirmed = outcome {
                    confirmed += message.entries.count
                } else {
                    refused(queue, outcome)
                    notTaken += message.entries.map(\.id)
                }
            }
            windows[queue, default: BrokerWindow()].sent(jobs: taken, messages: messages.count)
            if !notTaken.isEmpty { _ = try connection.run(SQL.Relay.unmark, notTaken) }
        }
        let parked = left.isEmpty ? 0 : try park(left)
        if parked < left.count {
            try picker.stepBack(left, in: queue)
            hasLeft = true
        }
        if taken > 0 {
            metrics.published.increment(by: confirmed)
            metrics.turnSeconds.observe(Double(monotonicNanoseconds() - began) / 1e9)
        }
        return confirmed + parked
    }

    /// Parks those of the rows whose keys others wait for: they would travel to a worker only to be parked there.
    ///
    /// What somebody else holds is left for the next time. Not in the transaction that sends, or the counters would be held until the broker has answered.
    private func park(_ left: [Row]) throws -> Int {
        try connection.run(SQL.Limits.parkWaiting, left.map { try $0("job_id") as Identifier }).affected
    }

    /// Marks the rows, each with the number under which it is published now.
    ///
    /// - Parameter left: those that were not there any more, or must not be sent.
    /// - Returns: the others, one message each, in the order of the rows.
    private func mark(_ picked: [Row], left: inout [Row], on connection: Connection) throws -> [WakeUpMessage] {
        var numbers: [Identifier: Int64] = [:]
        for row in try connection.run(SQL.Relay.markSent, picked.map { try $0("job_id") as Identifier }) {
            numbers[try row("job_id")] = try row("publish")
        }
        return try picked.compactMap { row -> WakeUpMessage? in
            let id: Identifier = try row("job_id")
            guard let number = numbers[id] else {
                left.append(row)
                return nil
            }
            return WakeUpMessage(kind: try row("kind"), entries: [WakeUpMessage.Entry(id: id, publish: number)], trace: try row("trace"))
        }
    }

    /// Neighbours of one kind share a message; the order of the jobs stays.
    private func grouped(_ wakeUps: [WakeUpMessage], limit: Int) -> [WakeUpMessage] {
        var messages: [WakeUpMessage] = []
        for wakeUp in wakeUps {
            if let last = messages.indices.last, messages[last].kind == wakeUp.kind, messages[last].entries.count < limit {
                messages[last].entries += wakeUp.entries
            } else {
                messages.append(wakeUp)
            }
        }
        return messages
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
