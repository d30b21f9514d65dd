internal import Bytes
internal import Clocks
internal import Lanes
package import Postgres
package import RabbitMQ
internal import Synchronization
package import Telemetry

/// How the maintenance works.
package struct SchedulerSettings: Sendable {
    package var prefix: String
    /// A worker whose lock has vanished is dead after this long.
    package var rescueAfter: Duration
    /// A worker that holds its lock but does not beat is dead after this long.
    package var frozenAfter: Duration
    /// A wake-up that nobody claimed is sent again after this long, then after twice as long, and so on.
    package var resendAfter: Duration
    /// Between two rounds.
    package var interval: Duration

    package init(
        prefix: String = "", rescueAfter: Duration = .seconds(5), frozenAfter: Duration = .seconds(90), resendAfter: Duration = .seconds(30),
        interval: Duration = .seconds(1)
    ) {
        self.prefix = prefix
        self.rescueAfter = rescueAfter
        self.frozenAfter = frozenAfter
        self.resendAfter = resendAfter
        self.interval = interval
    }
}

/// The maintenance: rescuer, re-sender, schedules, partitions, dead letters.
///
/// Any number of processes may run it; one leads under an advisory lock that its session holds, the others stand by and take over when the lock is
/// free.
package final class Scheduler: Sendable {
    /// Nanoseconds from one housekeeping to the next.
    private static let housekeeping: Int64 = 600_000_000_000

    private let settings: SchedulerSettings
    private let connection: ConnectionSettings
    private let ledger: Ledger
    private let log: Logger
    private let leading: Gauge
    private let resent: Counter
    private let gauges: QueueGauges
    private let stopping = Mailbox<Never>()
    private let threads = Mutex<[Thread]>([])
    private let letters: DeadLetterReader?

    package init(
        settings: SchedulerSettings, connection: ConnectionSettings, broker: BrokerSettings?, ledger: Ledger, log: Logger, metrics: MetricRegistry
    ) {
        self.settings = settings
        self.connection = connection
        self.ledger = ledger
        self.log = log
        letters = broker.map { DeadLetterReader(broker: $0, database: connection, prefix: settings.prefix, log: log) }
        gauges = QueueGauges(metrics, catalog: ledger.catalog)
        leading = metrics.gauge("millrace_scheduler_leading", "1 while this process leads the maintenance.")
        resent = metrics.counter("millrace_scheduler_resent_total", "Wake-ups that nobody claimed, and that were sent again.")
    }

    package func start() {
        threads.withLock { threads in
            guard threads.isEmpty else { return }
            threads.append(Thread("scheduler") { [self] in run() })
            if let letters { threads.append(Thread("dead-letters") { letters.run() }) }
        }
    }

    @discardableResult
    package func stop(timeout: Duration = .seconds(10)) -> Bool {
        stopping.close()
        letters?.stop()
        let deadline = ContinuousClock.now + timeout
        return threads.withLock { $0 }.allSatisfy { $0.join(timeout: max(.zero, deadline - .now)) }
    }

    private func run() {
        while !stopping.isClosed {
            do {
                var settings = connection
                settings.prefersIndexes = true
                let session = try Connection(settings)
                try standBy(session)
                if stopping.isClosed { break }
                leading.set(1)
                log.info("leading the maintenance", [:])
                try lead(session)
            } catch {
                log.warning("maintenance lost its database", ["error": String(describing: error)])
            }
            leading.set(0)
            _ = stopping.take(timeout: .seconds(1))
        }
        leading.set(0)
    }

    private func standBy(_ session: Connection) throws {
        while !stopping.isClosed {
            let leads: Bool = try session.run(SQL.Maintenance.lead).only()("leads")
            if leads { return }
            _ = stopping.take(timeout: settings.interval)
        }
    }

    private func lead(_ session: Connection) throws {
        var rescuer = Rescuer(settings: settings, ledger: ledger, log: log)
        var limits = LimitKeeper(ledger: ledger, log: log)
        var resender = Resender(after: settings.resendAfter)
        var unclaimed = (count: 0, nextLine: Int64(0))
        var vacuum = OutboxVacuum()
        let schedules = ScheduleFirer(ledger: ledger, log: log)
        var nextHousekeeping = monotonicNanoseconds()
        // Not at once: who begins to lead begins in the middle of the work, and would forget keys that are wanted again a moment later.
        var nextForgetting = nextHousekeeping + Self.housekeeping
        var nextMeasure = monotonicNanoseconds()
        while !stopping.isClosed {
            try attempt("rescue", session) { try rescuer.round(session, now: monotonicNanoseconds()) }
            try attempt("schedules", session) { try schedules.round(session) }
            try attempt("cancels", session) { _ = try session.transaction { try ledger.cancelSignalled(on: $0) } }
            try attempt("wake-ups", session) { try resend(&resender, &unclaimed, session) }
            try attempt("limits", session) { try limits.round(session) }
            try attempt("vacuum", session) { try vacuum.round(session) }
            if monotonicNanoseconds() >= nextMeasure {
                let began = monotonicNanoseconds()
                try attempt("gauges", session) { try gauges.measure(ledger, on: session) }
                let ended = monotonicNanoseconds()
                nextMeasure = ended + Pace.rest(after: ended - began, least: 5_000_000_000)
            }
            if monotonicNanoseconds() >= nextHousekeeping {
                nextHousekeeping = monotonicNanoseconds() + 60_000_000_000
                try attempt("housekeeping", session) {
                    try keepHouse(session)
                    nextHousekeeping = monotonicNanoseconds() + Self.housekeeping
                }
            }
            if monotonicNanoseconds() >= nextForgetting {
                nextForgetting = monotonicNanoseconds() + Self.housekeeping
                try attempt("idle limits", session) { try limits.keepHouse(session) }
            }
            _ = stopping.take(timeout: settings.interval)
        }
    }

    /// One duty that fails, on a lock or a schedule that cannot be, must not keep the others from theirs; only a lost session ends the lead.
    private func attempt(_ duty: String, _ session: Connection, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch {
            guard session.isUsable else { throw error }
            log.warning("maintenance could not do a duty", ["duty": duty, "error": String(describing: error)])
        }
    }

    /// - Parameter unclaimed: those that the log does not tell of yet; a queue that nobody serves has some in almost every round, and one line a minute.
    private func resend(_ resender: inout Resender, _ unclaimed: inout (count: Int, nextLine: Int64), _ session: Connection) throws {
        let count = try resender.round(session)
        if count > 0 {
            resent.increment(by: count)
            ledger.bell?.ring()
        }
        unclaimed.count += count
        let now = monotonicNanoseconds()
        guard unclaimed.count > 0, now >= unclaimed.nextLine else { return }
        log.warning("wake-ups that nobody claimed are sent again", ["count": "\(unclaimed.count)"])
        unclaimed = (0, now + 60_000_000_000)
    }

    /// Partitions ahead, partitions gone, what nobody needs any more.
    private func keepHouse(_ session: Connection) throws {
        _ = try session.run(SQL.Maintenance.makePartitions, ledger.catalog.longestRetentionDays + 3)
        for row in try session.run(SQL.Maintenance.dropPartitions) {
            let partition: String = try row("partition")
            log.info("dropped a day of finished jobs", ["partition": partition])
        }
        _ = try session.run(SQL.Maintenance.dropStrays)
        _ = try session.run(SQL.Maintenance.forgetDeaths)
        _ = try session.run(SQL.Ledger.forgetSignals)
    }
}
