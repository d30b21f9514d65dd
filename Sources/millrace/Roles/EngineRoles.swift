internal import Business
internal import Engine
internal import HTTPClient
internal import Postgres
internal import Settings
internal import Telemetry
internal import Work

/// Publishes wake-ups.
struct RelayRole: Role {
    let name = "relay"
    private let relay: Relay

    init(_ platform: Platform) throws {
        relay = Relay(
            settings: RelaySettings(
                prefix: platform.settings.broker.prefix, batch: platform.settings.relay.batch, window: platform.settings.relay.window),
            database: try platform.connection("relay"), broker: try platform.requiredBroker(), catalog: platform.catalog,
            log: platform.log.named("relay"), metrics: platform.metrics)
    }

    func start() { relay.start() }

    func stop() async -> Bool { await offPool { relay.stop() } }
}

/// Rescues, sends again, fires schedules, keeps partitions; counts what the whole installation has.
struct SchedulerRole: Role {
    let name = "scheduler"
    private let scheduler: Scheduler
    private let bell: RelayBell
    private let breakers: BreakerGauges
    private let database: Database

    init(_ platform: Platform) throws {
        let bell = RelayBell(try platform.connection("bell"))
        let ledger = platform.ledger(bell: bell)
        scheduler = Scheduler(
            settings: SchedulerSettings(
                prefix: platform.settings.broker.prefix, rescueAfter: platform.settings.scheduler.rescueAfter,
                frozenAfter: platform.settings.scheduler.frozenAfter), connection: try platform.connection("scheduler"), broker: try platform.broker,
            ledger: ledger, log: platform.log.named("scheduler"), metrics: platform.metrics)
        var connection = try platform.connection("gauges")
        connection.statementTimeout = .seconds(2)
        database = Database(connection, lanes: 1, name: "gauges")
        breakers = BreakerGauges(database, log: platform.log.named("scheduler"), metrics: platform.metrics)
        self.bell = bell
    }

    func start() {
        scheduler.start()
        breakers.start()
    }

    func stop() async -> Bool {
        await breakers.stop()
        database.stop()
        return await offPool {
            let ended = scheduler.stop()
            bell.stop()
            return ended
        }
    }
}

/// Serves queues.
struct WorkerRole: Role {
    let name: String
    private let worker: Worker
    private let bell: RelayBell
    private let http: HTTPClient
    private let database: Database

    init(_ platform: Platform, queues: [String]) throws {
        let queues = queues.isEmpty ? platform.catalog.queues.keys.sorted() : queues
        name = "worker " + queues.joined(separator: " ")
        bell = RelayBell(try platform.connection("bell"))
        let ledger = platform.ledger(bell: bell)
        let business = try platform.business(ledger)
        http = try platform.http()
        database = try platform.database("work")
        let log = platform.log
        worker = try Worker(
            queues: queues, settings: WorkerSettings(prefix: platform.settings.broker.prefix, grace: platform.settings.worker.grace), ledger: ledger,
            handlers: HandlerRegistry.handlers(platform.services(business, http)), connection: try platform.connection("worker"), database: database,
            broker: try platform.requiredBroker(), log: platform.log.named("worker"), metrics: platform.metrics,
            deathNotice: platform.deathNotice(business),
            onStuck: {
                log.error("a run did not come back after its timeout; the process ends so that its leases are taken")
                Process.abandon()
            })
    }

    func start() { worker.start() }

    func stop() async -> Bool {
        await offPool {
            let ended = worker.stop()
            http.stop()
            bell.stop()
            database.stop()
            return ended
        }
    }
}
