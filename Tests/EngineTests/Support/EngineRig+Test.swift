import Bytes
import Engine
import JSON
import Postgres
import RabbitMQ
import Telemetry
import TestSupport

extension EngineRig {
    /// A rig for these kinds, on one queue `fast` unless told otherwise, closed whatever happens.
    static func with<R>(
        kinds: [(file: String, text: String)], queues: [(file: String, text: String)] = [TestKinds.queue("fast")], handlers: [JobHandler] = [],
        _ body: (EngineRig) async throws -> R
    ) async throws -> R {
        let rig = try EngineRig(catalog: Catalog(jobs: kinds, queues: queues), handlers: handlers)
        do {
            let result = try await body(rig)
            await rig.close()
            return result
        } catch {
            await rig.close()
            throw error
        }
    }

    func enqueue(_ jobs: [NewJob]) async throws -> [EnqueuedJob] {
        let ledger = ledger
        return try await database.transaction { try ledger.enqueue(jobs, on: $0) }
    }

    func cancel(_ id: Identifier) async throws -> CancelOutcome {
        let ledger = ledger
        return try await database.transaction { try ledger.cancel(id, actor: nil, on: $0) }
    }

    func pause(_ paused: Bool, queue: String = "fast") async throws {
        let ledger = ledger
        try await database.transaction { try ledger.setPaused(paused, queue: queue, actor: nil, on: $0) }
    }

    /// Locks the job's outbox row in a transaction that stays open until the barrier opens, and changes it then if told so.
    func hold(_ id: Identifier, _ barrier: Barrier, then sql: String? = nil) async throws -> Task<Void, any Error> {
        let task = Task { [database] in
            try await database.transaction { connection in
                try connection.run(.once("select from outbox where job_id = $1 for update"), id)
                barrier.pass()
                if let sql { try connection.script(sql) }
            }
        }
        try await eventually("the row is held") { barrier.count == 1 }
        return task
    }

    /// Runs SQL as it is.
    func script(_ sql: String) async throws {
        try await database.run { try $0.script(sql) }
    }

    /// The only value of a query.
    func value<T: PostgresDecodable & Sendable>(_ sql: String, _ binds: (any PostgresEncodable & Sendable)?..., as type: T.Type = Int.self)
        async throws -> T
    {
        let binds = binds
        return try await database.run { try $0.run(.once(sql), binds: binds).only()(0) }
    }

    /// How many of the outbox's rows are in this state.
    func outbox(_ state: String, queue: String = "fast") async throws -> Int {
        try await value("select count(*) from outbox where case when sent_at is null then state else 'sent' end = $1 and queue = $2", state, queue)
    }

    /// Throws everybody out of the test's database and lets nobody in, or lets them in again.
    func setDatabaseAway(_ away: Bool) async throws {
        let name = settings.database
        let url = try TestServers.postgres()
        try await offPool { () -> Result<Void, any Error> in
            Result {
                let connection = try Connection(ConnectionSettings(url: url))
                try connection.script("alter database \(name) with allow_connections \(!away)")
                if away { try connection.run(.once("select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = $1"), name) }
            }
        }.get()
    }

    /// Breaks every connection to the test's database, once.
    func breakConnections() async throws {
        let name = settings.database
        let url = try TestServers.postgres()
        try await offPool { () -> Result<Void, any Error> in
            Result {
                let connection = try Connection(ConnectionSettings(url: url))
                try connection.run(.once("select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = $1"), name)
            }
        }.get()
    }

    /// Wake-ups that the broker did not take.
    var refused: Int { metric("millrace_relay_refused_total") }

    /// The sum over all labels of a metric.
    func metric(_ name: String) -> Int {
        metrics.prometheusText().split(separator: "\n").filter { $0.hasPrefix(name) }.compactMap {
            $0.split(separator: " ").last.flatMap { Double($0) }
        }
        .reduce(0) { $0 + Int($1) }
    }

    // MARK: - The broker

    func withBroker<R: Sendable>(_ body: @escaping @Sendable (BrokerConnection) throws -> R) async throws -> R {
        let settings = broker
        return try await offPool { () -> Result<R, any Error> in
            Result {
                let connection = try BrokerConnection(settings)
                defer { connection.close() }
                return try body(connection)
            }
        }.get()
    }

    /// Makes the queues as a relay does at its start.
    func declareQueues() async throws {
        let topology = Topology(catalog: catalog, prefix: prefix)
        _ = try await withBroker { try topology.declare(on: $0) }
    }

    /// Messages that wait in the queue, not those that a consumer has in hand; nil when there is no such queue.
    func waiting(in queue: String = "fast") async throws -> Int? {
        let name = prefix + queue
        return try await withBroker { try $0.declarePassively(name)?.messages }
    }

    /// Publishes by hand.
    func publish(_ messages: [OutgoingMessage]) async throws {
        let settings = broker
        try await offPool { () -> Result<Void, any Error> in
            Result {
                let publisher = try Publisher(settings)
                defer { publisher.close() }
                for outcome in try publisher.publish(messages) where outcome != .confirmed {
                    throw BrokerError(.unexpected, "publish", "\(outcome)", subscription: nil)
                }
            }
        }.get()
    }

    /// The number of the wake-up that may claim the row.
    func number(of id: Identifier) async throws -> Int64 { Int64(try await value("select publish from outbox where job_id = $1", id)) }

    /// A wake-up as the relay makes it.
    func wakeUp(_ id: Identifier, publish: Int64, kind: String, queue: String = "fast") -> OutgoingMessage {
        OutgoingMessage(
            routingKey: prefix + queue, messageID: id.description, headers: ["publish": .int(publish), "kind": .string(kind)])
    }
}
