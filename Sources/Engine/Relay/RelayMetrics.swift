internal import Telemetry

/// What a relay counts.
struct RelayMetrics: Sendable {
    let connected: Gauge
    let published: Counter
    let refused: Counter
    let turnSeconds: Histogram

    init(_ registry: MetricRegistry) {
        connected = registry.gauge("millrace_relay_connected", "1 while the relay has both its connections.")
        published = registry.counter("millrace_relay_published_total", "Wake-ups that the broker confirmed.")
        refused = registry.counter("millrace_relay_refused_total", "Wake-ups that the broker refused or could not route.")
        turnSeconds = registry.histogram("millrace_relay_batch_seconds", "Time of one batch: rows picked, marked, published, confirmed.")
    }
}
