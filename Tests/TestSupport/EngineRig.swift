package import Bytes
internal import Clocks
package import Engine
package import JSON
package import Postgres
package import RabbitMQ
package import Telemetry

/// A whole engine on the test's own database and on queues with a prefix of its own: relay, scheduler, workers, as many as the test starts.
package final class EngineRig: Sendable {
    package let catalog: Catalog
    package let handlers: [JobHandler]
    package let deathNotice: DeathNotice?
    package let settings: ConnectionSettings
    package let broker: BrokerSettings
    package let prefix: String
    package let database: Database
    package let bell: RelayBell
    package let ledger: Ledger
    package let log: Logger
    package let metrics = MetricRegistry()

    package typealias DeathNotice = @Sendable (DeadJob, Connection) throws -> Void

    /// A rig on the test's own database, or on another process's.
    package convenience init(
        catalog: Catalog, handlers: [JobHandler], log: Logger = TestLog.logger, settings: ConnectionSettings? = nil, prefix: String? = nil
    ) throws {
        try self.init(catalog: catalog, log: log, settings: settings, prefix: prefix) { _ in (handlers, nil) }
    }

    /// For handlers that enqueue: they and the notice of deaths are made of the rig's own ledger.
    package init(
        catalog: Catalog, log: Logger = TestLog.logger, settings: ConnectionSettings? = nil, prefix: String? = nil,
        serving: (Ledger) throws -> (handlers: [JobHandler], deathNotice: DeathNotice?)
    ) throws {
        self.catalog = catalog
        self.log = log
        self.settings = try settings ?? TestDatabase.current.settings
        broker = try BrokerSettings(url: TestServers.rabbitMQ())
        self.prefix = prefix ?? "t\(Identifier.next().text("x").suffix(24))."
        database = Database(self.settings, lanes: 4, name: "rig")
        bell = RelayBell(self.settings)
        ledger = Ledger(catalog: catalog, bell: bell)
        (handlers, deathNotice) = try serving(ledger)
    }

    package func relay(window: Int = 2000, batch: Int = 512, agingStep: Duration = .seconds(30)) -> Relay {
        Relay(
            settings: RelaySettings(prefix: prefix, batch: batch, window: window, agingStep: agingStep), database: settings, broker: broker,
            catalog: catalog, log: log, metrics: metrics)
    }

    package func scheduler(
        rescueAfter: Duration = .milliseconds(500), frozenAfter: Duration = .seconds(90), resendAfter: Duration = .seconds(30)
    ) -> Scheduler {
        Scheduler(
            settings: SchedulerSettings(
                prefix: prefix, rescueAfter: rescueAfter, frozenAfter: frozenAfter, resendAfter: resendAfter, interval: .milliseconds(50)),
            connection: settings, broker: broker, ledger: ledger, log: log, metrics: metrics)
    }

    package func worker(queues: [String]? = nil, grace: Duration = .seconds(10), broker: BrokerSettings?? = nil) throws -> Worker {
        try Worker(
            queues: queues ?? catalog.queues.keys.sorted(), settings: WorkerSettings(prefix: prefix, grace: grace), ledger: ledger,
            handlers: handlers, connection: settings, database: database, broker: broker ?? self.broker, log: log, metrics: metrics,
            deathNotice: deathNotice,
            onStuck: { preconditionFailure("a run did not come back") })
    }

    /// Something that the rig starts and stops.
    package enum Part: Sendable {
        case relay(Relay)
        case scheduler(Scheduler)
        case worker(Worker)

        func start() {
            switch self {
            case .relay(let relay): relay.start()
            case .scheduler(let scheduler): scheduler.start()
            case .worker(let worker): worker.start()
            }
        }

        func stop() {
            switch self {
            case .relay(let relay): relay.stop()
            case .scheduler(let scheduler): scheduler.stop()
            case .worker(let worker): worker.stop()
            }
        }
    }

    /// Runs the body with these parts, or with a relay, a scheduler and a worker, and stops them whatever happens.
    package func running<R>(_ parts: [Part]? = nil, _ body: () async throws -> R) async throws -> R {
        let parts = try parts ?? [.relay(relay()), .scheduler(scheduler()), .worker(worker())]
        for part in parts { part.start() }
        let result: Result<R, any Error>
        do {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        await offPool {
            // Workers first: what they give back still has a relay.
            for part in parts.reversed() { part.stop() }
        }
        return try result.get()
    }

    /// Leases the jobs as a claim does.
    package func lease(_ ids: [Identifier], by worker: Identifier) async throws {
        try await database.transaction { connection in
            _ = try connection.run(.once("delete from outbox where job_id = any($1::uuid[])"), ids)
            _ = try connection.run(
                .once(
                    """
                    insert into claims (worker_id, started_at, job_ids, runs)
                    select $2, clock_timestamp(), array_agg(id), array_agg(runs) from jobs where id = any($1::uuid[])
                    """), ids, worker)
            _ = try connection.run(.once("update jobs set key_released = true where id = any($1::uuid[]) and unique_key like 'q:%'"), ids)
        }
    }

    @discardableResult
    package func enqueue(_ kind: String, _ payload: JSONValue = .object([:]), account: Identifier? = nil, delay: Duration? = nil) async throws
        -> Identifier
    {
        let ledger = ledger
        let job = NewJob(kind, payload, account: account, runAt: delay.map { Instant.now + $0 })
        return try await database.transaction { try ledger.enqueue(job, on: $0).id }
    }

    package func job(_ id: Identifier) async throws -> JobRecord {
        let ledger = ledger
        guard let job = try await database.run({ try ledger.find(id, on: $0) }) else { throw LedgerError(.notFound, "no job \(id)") }
        return job
    }

    /// Waits until the job is in this state.
    @discardableResult
    package func wait(_ id: Identifier, for state: JobState, within limit: Duration = .seconds(20)) async throws -> JobRecord {
        try await eventually("job \(id) is \(state)", within: limit) { try await job(id).state == state }
        return try await job(id)
    }

    /// Removes the rig's queues and ends its lanes.
    package func close() async {
        let (broker, names) = (broker, catalog.queues.keys.map { prefix + $0 } + [prefix + Topology.deadLetters])
        await offPool {
            if let connection = try? BrokerConnection(broker) {
                for name in names { _ = try? connection.deleteQueue(name) }
                connection.close()
            }
            self.bell.stop()
        }
        database.stop()
    }
}
