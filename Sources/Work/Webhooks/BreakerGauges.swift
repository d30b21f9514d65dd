internal import Business
package import Postgres
internal import Synchronization
package import Telemetry

/// The breakers of all endpoints as Prometheus sees them, measured beside the scheduler that leads.
///
/// A standby says 0, so that the sum over all processes is right.
package final class BreakerGauges: Sendable {
    private let phases: [EndpointHealth.Phase: Gauge]
    private let leading: Gauge
    private let database: Database
    private let log: Logger
    private let interval: Duration
    private let measuring = Mutex<Task<Void, Never>?>(nil)

    package init(_ database: Database, log: Logger, metrics: MetricRegistry, interval: Duration = .seconds(5)) {
        self.database = database
        self.log = log
        self.interval = interval
        // The scheduler's own; a name that comes back is the same metric.
        leading = metrics.gauge("millrace_scheduler_leading", "1 while this process leads the maintenance.")
        phases = Dictionary(
            uniqueKeysWithValues: EndpointHealth.Phase.allCases.filter { $0 != .closed }.map { phase in
                (
                    phase,
                    metrics.gauge(
                        "millrace_webhook_breakers", "Webhook endpoints whose breaker is not closed.", labels: ["phase": phase.rawValue])
                )
            })
    }

    package func start() {
        measuring.withLock { task in
            guard task == nil else { return }
            task = Task { [self] in
                while !Task.isCancelled {
                    await measure()
                    try? await Task.sleep(for: interval)
                }
            }
        }
    }

    package func stop() async {
        let task = measuring.withLock { $0.take() }
        task?.cancel()
        await task?.value
        set([:])
    }

    private func measure() async {
        guard leading.value == 1 else { return set([:]) }
        do {
            set(try await database.run { try EndpointHealth.census(on: $0) })
        } catch {
            log.warning("breakers could not be counted", ["error": String(describing: error)])
        }
    }

    private func set(_ counts: [EndpointHealth.Phase: Int]) {
        for (phase, gauge) in phases { gauge.set(counts[phase] ?? 0) }
    }
}
