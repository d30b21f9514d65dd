package import Postgres

/// One queue as it stands now.
package struct QueueOverview: Sendable {
    package var queue: String
    package var summary: String
    package var kinds: [String]
    package var minimumConcurrency: Int
    package var maximumConcurrency: Int
    package var paused = false
    /// Due, no wake-up sent yet.
    package var ready = 0
    /// Not due yet: delayed, retried, snoozed.
    package var scheduled = 0
    /// A wake-up is on its way.
    package var sent = 0
    /// Due, but the limit of their key is full.
    package var parked = 0
    package var running = 0
    package var dead = 0
    /// Seconds since the oldest runnable job could have run: the figure to alarm on.
    package var oldestRunnableSeconds: Double?
}

extension Ledger {
    /// All queues of the catalog, sorted by name.
    package func overview(on connection: Connection) throws -> [QueueOverview] {
        var queues: [String: QueueOverview] = [:]
        for definition in catalog.sortedQueues {
            queues[definition.queue] = QueueOverview(
                queue: definition.queue, summary: definition.summary, kinds: catalog.kinds(of: definition.queue).map(\.kind),
                minimumConcurrency: definition.minimumConcurrency, maximumConcurrency: definition.maximumConcurrency)
        }
        for row in try connection.run(SQL.Ledger.queueCounts) {
            let (queue, state): (String, String) = (try row("queue"), try row("state"))
            let count: Int = try row("count")
            switch state {
            case "ready": queues[queue]?.ready = count
            case "sent": queues[queue]?.sent = count
            case "parked": queues[queue]?.parked = count
            default: queues[queue]?.scheduled = count
            }
            if state == "ready" || state == "sent", let age: Double = try row("oldest") {
                let oldest = queues[queue]?.oldestRunnableSeconds ?? 0
                queues[queue]?.oldestRunnableSeconds = max(oldest, age)
            }
        }
        for row in try connection.run(SQL.Ledger.runningCounts) { queues[try row("queue")]?.running = try row("count") }
        for row in try connection.run(SQL.Ledger.deadCounts) { queues[try row("queue")]?.dead = try row("count") }
        for row in try connection.run(SQL.Ledger.queueControls) { queues[try row("queue")]?.paused = try row("paused") }
        return queues.values.sorted { $0.queue < $1.queue }
    }
}
