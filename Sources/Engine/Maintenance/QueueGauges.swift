internal import Postgres
internal import Telemetry

/// The queues as Prometheus sees them, measured by the leading scheduler: what waits, runs and is dead, and the age to alarm on.
struct QueueGauges {
    private let waiting: [String: [String: Gauge]]
    private let running: [String: Gauge]
    private let dead: [String: Gauge]
    private let paused: [String: Gauge]
    private let oldest: [String: Gauge]

    init(_ registry: MetricRegistry, catalog: Catalog) {
        func gauges(_ name: String, _ help: String) -> [String: Gauge] {
            Dictionary(uniqueKeysWithValues: catalog.queues.keys.map { ($0, registry.gauge(name, help, labels: ["queue": $0])) })
        }
        waiting = Dictionary(
            uniqueKeysWithValues: catalog.queues.keys.map { queue in
                let states = ["ready", "sent", "scheduled", "parked"].map { state in
                    (
                        state,
                        registry.gauge("millrace_queue_waiting", "Jobs in the outbox, by state.", labels: ["queue": queue, "state": state])
                    )
                }
                return (queue, Dictionary(uniqueKeysWithValues: states))
            })
        running = gauges("millrace_queue_running", "Leased jobs that run.")
        dead = gauges("millrace_queue_dead", "Dead jobs in the ledger.")
        paused = gauges("millrace_queue_paused", "1 while the queue is paused.")
        oldest = gauges("millrace_queue_oldest_runnable_seconds", "Age of the oldest job that could run now: the figure to alarm on.")
    }

    func measure(_ ledger: Ledger, on connection: Connection) throws {
        for queue in try ledger.overview(on: connection) {
            waiting[queue.queue]?["ready"]?.set(Double(queue.ready))
            waiting[queue.queue]?["sent"]?.set(Double(queue.sent))
            waiting[queue.queue]?["scheduled"]?.set(Double(queue.scheduled))
            waiting[queue.queue]?["parked"]?.set(Double(queue.parked))
            running[queue.queue]?.set(Double(queue.running))
            dead[queue.queue]?.set(Double(queue.dead))
            paused[queue.queue]?.set(queue.paused ? 1 : 0)
            oldest[queue.queue]?.set(queue.oldestRunnableSeconds ?? 0)
        }
    }
}
