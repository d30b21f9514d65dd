internal import JSON

/// All kinds and queues, read from their definition files and checked against each other.
///
/// The files are embedded at build; a directory given at start replaces them under the same checks. Everything that must know a kind asks here: the
/// enqueuer for its queue and priority, the worker for its style and timeout, the scheduler for its slots, the topology for its queue's arguments.
package struct Catalog: Sendable {
    package let jobs: [String: JobDefinition]
    package let queues: [String: QueueDefinition]

    /// Reads and checks the definition files.
    ///
    /// - Throws: `DefinitionError` with every mistake found.
    package init(jobs jobFiles: [(file: String, text: String)], queues queueFiles: [(file: String, text: String)]) throws(DefinitionError) {
        var reader = DefinitionReader()
        let queues = queueFiles.compactMap { reader.queue(file: $0.file, text: $0.text) }
        let jobs = jobFiles.compactMap { reader.job(file: $0.file, text: $0.text) }
        reader.match()
        if !reader.mistakes.isEmpty { throw DefinitionError(mistakes: reader.mistakes) }
        self.jobs = Dictionary(jobs.map { ($0.kind, $0) }, uniquingKeysWith: { first, _ in first })
        self.queues = Dictionary(queues.map { ($0.queue, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The definitions of this build.
    package static func embedded() throws(DefinitionError) -> Catalog {
        try Catalog(jobs: EmbeddedDefinitions.jobs, queues: EmbeddedDefinitions.queues)
    }

    /// The kinds of a queue, also of one that is only a lane of theirs, sorted by name.
    package func kinds(of queue: String) -> [JobDefinition] {
        jobs.values.filter { $0.queue == queue || $0.lanes.contains(queue) }.sorted { $0.kind < $1.kind }
    }

    package var sortedJobs: [JobDefinition] { jobs.values.sorted { $0.kind < $1.kind } }
    package var sortedQueues: [QueueDefinition] { queues.values.sorted { $0.queue < $1.queue } }

    /// Days that the ledger must keep partitions ahead for.
    package var longestRetentionDays: Int { jobs.values.map(\.retentionDays).max() ?? 1 }
}
