internal import Bytes
internal import Lanes
package import Postgres
package import RabbitMQ
internal import Synchronization
package import Telemetry

/// How a relay works; every value has a reason in `docs/settings.md`.
package struct RelaySettings: Sendable {
    package var prefix: String
    /// Rows of one transaction, published with one window of confirms.
    package var batch: Int
    /// Wake-ups of a queue that are sent and unclaimed at most; the rest waits in the outbox, where order and fairness can still be decided.
    package var window: Int
    /// How long a queue of low priority waits for one level of priority.
    package var agingStep: Duration

    package init(prefix: String = "", batch: Int = 512, window: Int = 2000, agingStep: Duration = .seconds(30)) {
        self.prefix = prefix
        self.batch = batch
        self.window = window
        self.agingStep = agingStep
    }
}

/// The process that publishes wake-ups for due outbox rows.
///
/// One thread with a database connection and a broker connection. It marks due rows as sent, which locks them, publishes their wake-ups persistent and
/// mandatory, and commits after the confirms, all in one bounded transaction: a crash in between publishes again, never less. Any number of relays may run:
/// two that picked the same rows mark them one after the other, and the second finds them marked.
/// The broker being away stops nothing but the relay itself: workers then poll the same rows.
package final class Relay: Sendable {
    private let stopping = Atomic<Bool>(false)
    private let thread = Mutex<Thread?>(nil)
    private let settings: RelaySettings
    private let database: ConnectionSettings
    private let broker: BrokerSettings
    private let catalog: Catalog
    private let log: Logger
    private let metrics: RelayMetrics

    package init(
        settings: RelaySettings, database: ConnectionSettings, broker: BrokerSettings, catalog: Catalog, log: Logger, metrics: MetricRegistry
    ) {
        self.settings = settings
        self.database = database
        self.broker = broker
        self.catalog = catalog
        self.log = log
        self.metrics = RelayMetrics(metrics)
    }

    package func start() {
        thread.withLock { thread in
            if thread == nil { thread = Thread("relay") { [self] in run() } }
        }
    }

    /// Ends after the transaction in hand; false when it did not end in time.
    @discardableResult
    package func stop(timeout: Duration = .seconds(10)) -> Bool {
        stopping.store(true, ordering: .relaxed)
        return thread.withLock { $0 }?.join(timeout: timeout) ?? true
    }

    private var isStopping: Bool { stopping.load(ordering: .relaxed) }

    private func run() {
        var failures = 0
        while !isStopping {
            do {
                let loop = try RelayLoop(
                    settings: settings, database: database, broker: broker, topology: Topology(catalog: catalog, prefix: settings.prefix), log: log,
                    metrics: metrics)
                log.info("relay connected", [:])
                metrics.connected.set(1)
                failures = 0
                while !isStopping { try loop.turn() }
                loop.close()
            } catch {
                metrics.connected.set(0)
                failures += 1
                log.warning("relay lost a connection", ["error": String(describing: error), "failures": "\(failures)"])
                waitAfter(failures)
            }
        }
        metrics.connected.set(0)
    }

    /// Doubling from 100 ms to 5 s, in steps short enough for a stop.
    private func waitAfter(_ failures: Int) {
        let milliseconds = min(100 << min(failures - 1, 6), 5000)
        for _ in 0..<(milliseconds / 100) where !isStopping { pause(.milliseconds(100)) }
    }
}
