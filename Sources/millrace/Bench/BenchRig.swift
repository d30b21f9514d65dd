internal import Engine
internal import Postgres
internal import RabbitMQ
internal import Settings
internal import Telemetry

/// Relay, worker and scheduler in this process, as `millrace up` has them, on the benchmark's queues.
final class BenchRig {
    private let relay: Relay
    private let worker: Worker
    private let scheduler: Scheduler
    private let database: Database
    private let bell: RelayBell

    /// What its parts count and set.
    let metrics = MetricRegistry()

    /// - Parameter broker: another way to the broker than the platform's.
    init(_ context: BenchContext, queue: String, broker: BrokerSettings? = nil) throws {
        let platform = context.platform
        let broker = try broker ?? platform.requiredBroker()
        bell = RelayBell(context.load)
        database = Database(context.load, lanes: 2, name: "bench")
        let ledger = Ledger(catalog: context.catalog, bell: bell)
        relay = Relay(
            settings: RelaySettings(prefix: context.prefix, batch: platform.settings.relay.batch, window: platform.settings.relay.window),
            database: context.load, broker: broker, catalog: context.catalog, log: platform.log, metrics: metrics)
        worker = try Worker(
            queues: [queue], settings: WorkerSettings(prefix: context.prefix), ledger: ledger, handlers: BenchKinds.handlers(context.tally),
            connection: context.load, database: database, broker: broker, log: platform.log, metrics: metrics, onStuck: { Process.abandon() })
        scheduler = Scheduler(
            settings: SchedulerSettings(prefix: context.prefix), connection: context.load, broker: broker, ledger: ledger, log: platform.log,
            metrics: metrics)
    }

    func start() {
        relay.start()
        worker.start()
        scheduler.start()
    }

    func stop() {
        worker.stop()
        relay.stop()
        scheduler.stop()
        bell.stop()
        database.stop()
        database.join(timeout: .seconds(5))
    }
}
