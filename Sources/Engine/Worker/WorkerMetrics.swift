internal import Telemetry

/// What a worker counts, by kind.
struct WorkerMetrics: Sendable {
    private static let outcomes = ["completed", "cancelled", "dead", "requeued"]
    private let ended: [String: [String: Counter]]
    private let durations: [String: Histogram]

    init(_ registry: MetricRegistry, catalog: Catalog) {
        var ended: [String: [String: Counter]] = [:]
        var durations: [String: Histogram] = [:]
        for kind in catalog.jobs.keys {
            for outcome in Self.outcomes {
                ended[kind, default: [:]][outcome] = registry.counter(
                    "millrace_jobs_ended_total", "Runs that ended, by kind and outcome.", labels: ["kind": kind, "outcome": outcome])
            }
            durations[kind] = registry.histogram("millrace_job_duration_seconds", "Time in the handler.", labels: ["kind": kind])
        }
        self.ended = ended
        self.durations = durations
    }

    func count(kind: String, outcome: String) { ended[kind]?[outcome]?.increment() }

    func observe(kind: String, nanoseconds: Int64) { durations[kind]?.observe(Double(nanoseconds) / 1e9) }
}
