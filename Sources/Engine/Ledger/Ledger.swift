internal import Bytes
package import Clocks
internal import JSON
package import Postgres

/// The record of every job.
///
/// PostgreSQL is the truth; an AMQP message only says where there is work.
///
/// Everything here runs on the caller's connection, mostly inside the caller's transaction: a job exists if and only if the change that wants it
/// committed.
package struct Ledger: Sendable {
    package let catalog: Catalog
    /// Rung after a commit that enqueued something.
    let bell: RelayBell?

    package init(catalog: Catalog, bell: RelayBell? = nil) {
        self.catalog = catalog
        self.bell = bell
    }

    /// Enqueues jobs, one or many, by one statement per thousand.
    ///
    /// - Returns: for each job its id, or the id of the twin into which it folded.
    /// - Throws: `LedgerError` (`unknownKind`, `invalidPayload`) before anything is written; `PostgresError`.
    @discardableResult
    package func enqueue(_ jobs: [NewJob], on connection: Connection, now: Instant = .now) throws -> [EnqueuedJob] {
        guard !jobs.isEmpty else { return [] }
        let rows = try jobs.map { try row($0, now: now) }
        var results: [EnqueuedJob] = []
        results.reserveCapacity(jobs.count)
        var start = 0
        while start < rows.count {
            let end = min(start + 1000, rows.count)
            try results.append(contentsOf: insert(Array(rows[start..<end]), on: connection, now: now))
            start = end
        }
        ring(connection)
        return results
    }

    /// Enqueues one job.
    @discardableResult
    package func enqueue(_ job: NewJob, on connection: Connection, now: Instant = .now) throws -> EnqueuedJob {
        try enqueue([job], on: connection, now: now)[0]
    }

    /// One job as it will stand in the table.
    private struct InsertRow {
        var job: NewJob
        var definition: JobDefinition
        var runAt: Instant
        var uniqueKey: String?
        var limitKey: String?
        var payload: String

        /// Beyond the range of the definitions a priority means no more.
        var priority: Int16 { Int16(min(max(job.priority ?? definition.priority, -10), 10)) }
    }

    private func row(_ job: NewJob, now: Instant) throws -> InsertRow {
        guard let definition = catalog.jobs[job.kind] else { throw LedgerError(.unknownKind, "there is no kind \"\(job.kind)\"") }
        let violations = definition.payloadSchema.validate(job.payload).prefix(5)
        if !violations.isEmpty {
            let list = violations.map { "\($0.path) \($0.message)" }.joined(separator: "; ")
            throw LedgerError(.invalidPayload, "the payload of \(job.kind) does not fit its schema: \(list)")
        }
        if let queue = job.queue, queue != definition.queue, !definition.lanes.contains(queue) {
            throw LedgerError(.unknownQueue, "jobs of \(job.kind) do not go to the queue \"\(queue)\"")
        }
        return InsertRow(
            job: job, definition: definition, runAt: job.runAt ?? now, uniqueKey: definition.uniqueKey(of: job.payload, at: now),
            limitKey: definition.limitKey(of: job.payload), payload: job.payload.text)
    }

    /// Inserts; what met a twin is resolved and, when the twin has gone meanwhile, tried again.
    private func insert(_ rows: [InsertRow], on connection: Connection, now: Instant) throws -> [EnqueuedJob] {
        var outcome: [Identifier: EnqueuedJob] = [:]
        // Sorted by key: two calls that insert the same keys wait for each other in one order, and cannot deadlock.
        var open = rows.contains { $0.uniqueKey != nil } ? rows.sorted { ($0.uniqueKey ?? "", $0.job.id) < ($1.uniqueKey ?? "", $1.job.id) } : rows
        for _ in 0..<5 {
            for id in try insertOnce(open, on: connection, now: now) { outcome[id] = EnqueuedJob(id: id, isNew: true) }
            open.removeAll { outcome[$0.job.id] != nil }
            if open.isEmpty { break }
            let twins = try twins(of: open, on: connection)
            for row in open {
                if let key = row.uniqueKey, let twin = twins[key] { outcome[row.job.id] = EnqueuedJob(id: twin, isNew: false) }
            }
            open.removeAll { outcome[$0.job.id] != nil }
            if open.isEmpty { break }
        }
        guard open.isEmpty else { throw LedgerError(.contended, "a twin of the job kept changing; try again") }
        return rows.compactMap { outcome[$0.job.id] }
    }

    private func insertOnce(_ rows: [InsertRow], on connection: Connection, now: Instant) throws -> [Identifier] {
        let inserted = try connection.run(
            rows.contains { $0.uniqueKey != nil } ? SQL.Enqueue.insertJobs : SQL.Enqueue.insertPlainJobs,
            rows.map(\.job.id), rows.map(\.job.accountID), rows.map(\.job.actorID), rows.map(\.job.parentID), rows.map(\.runAt),
            rows.map { Int16($0.definition.maxAttempts) }, rows.map(\.priority), rows.map(\.job.kind),
            rows.map { $0.job.queue ?? $0.definition.queue }, rows.map(\.uniqueKey), rows.map(\.job.trace), rows.map(\.payload), now,
            rows.map(\.limitKey))
        return try inserted.map { try $0("id") }
    }

    /// The living twins by unique key.
    ///
    /// A twin that only counts while it waits is locked until our transaction ends, so that it cannot start unseen.
    private func twins(of rows: [InsertRow], on connection: Connection) throws -> [String: Identifier] {
        var twins: [String: Identifier] = [:]
        for row in try connection.run(SQL.Enqueue.findTwins, rows.compactMap(\.uniqueKey)) { twins[try row("unique_key")] = try row("id") }
        let waiting = twins.filter { $0.key.hasPrefix("q:") }
        guard !waiting.isEmpty else { return twins }
        let locked: Set<Identifier> = try Set(connection.run(SQL.Enqueue.lockTwins, Array(waiting.values)).map { try $0("job_id") })
        return twins.filter { !$0.key.hasPrefix("q:") || locked.contains($0.value) }
    }
}
