package import Postgres
package import RabbitMQ
internal import Synchronization
package import Telemetry

/// How a worker works.
package struct WorkerSettings: Sendable {
    package var prefix: String
    /// How long running jobs may go on after a stop was asked for.
    package var grace: Duration
    package var role: String

    package init(prefix: String = "", grace: Duration = .seconds(30), role: String = "worker") {
        self.prefix = prefix
        self.grace = grace
        self.role = role
    }
}

/// A process that serves one or more queues.
///
/// A stop takes nothing new, lets what runs finish within the grace period, breaks off the rest (no attempt spent), gives prefetched jobs back, and ends.
package final class Worker: Sendable {
    private let core: WorkerCore
    private let runners: [QueueRunner]
    private let settings: WorkerSettings

    /// - Parameters:
    ///   - queues: names of queues; every one must be in the catalog.
    ///   - broker: nil to work by polling alone.
    ///   - deathNotice: told about each dead job inside the transaction that buries it.
    ///   - onStuck: called when a run does not come back 30 s after its timeout; ends the process in production.
    /// - Throws: `LedgerError` `unknownQueue`.
    package init(
        queues: [String], settings: WorkerSettings, ledger: Ledger, handlers: [JobHandler], connection: ConnectionSettings, database: Database,
        broker: BrokerSettings?, log: Logger, metrics: MetricRegistry,
        deathNotice: (@Sendable (DeadJob, Connection) throws -> Void)? = nil, onStuck: @escaping @Sendable () -> Void
    ) throws {
        for queue in queues where ledger.catalog.queues[queue] == nil {
            throw LedgerError(
                .unknownQueue, "there is no queue \"\(queue)\"; there are \(ledger.catalog.queues.keys.sorted().joined(separator: ", "))")
        }
        let running = RunningJobs()
        let identity = WorkerIdentity(
            settings: connection, role: settings.role, queues: queues, running: running, ledger: ledger, log: log, onStuck: onStuck)
        core = WorkerCore(
            ledger: ledger, handlers: Dictionary(handlers.map { ($0.kind, $0) }, uniquingKeysWith: { first, _ in first }), database: database,
            identity: identity, running: running, gate: SoloGate(), metrics: WorkerMetrics(metrics, catalog: ledger.catalog), log: log,
            deathNotice: deathNotice)
        let core = core
        runners = queues.compactMap { ledger.catalog.queues[$0] }.map {
            QueueRunner(core: core, definition: $0, database: connection, broker: broker, prefix: settings.prefix, metrics: metrics)
        }
        self.settings = settings
    }

    package func start() {
        for runner in runners { runner.start() }
        core.identity.start()
    }

    /// Blocks until everything has ended.
    ///
    /// - Returns: whether it ended in time with nothing left in hand.
    @discardableResult
    package func stop() -> Bool {
        core.identity.announceStop()
        for runner in runners { runner.beginStop() }
        let deadline = ContinuousClock.now + settings.grace
        var ended = true
        for runner in runners where !runner.join(timeout: max(.zero, deadline - .now)) { ended = false }
        if !ended {
            core.running.stop()
            let last = ContinuousClock.now + .seconds(5)
            ended = true
            for runner in runners where !runner.join(timeout: max(.zero, last - .now)) { ended = false }
        }
        for runner in runners where !runner.closeLanes(timeout: .seconds(2)) { ended = false }
        core.identity.stop()
        return ended
    }
}
