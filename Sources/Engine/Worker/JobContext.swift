package import Clocks
package import JSON
package import Postgres
package import Telemetry

/// What an atomic handler works with: the connection of its lane, inside the transaction that will also hold the completion.
///
/// Not Sendable on purpose: nothing of it may outlive the run.
package final class AtomicContext {
    package let job: ClaimedJob
    package let connection: Connection
    package let ledger: Ledger
    package let log: Logger
    /// The transaction's time.
    package let now: Instant

    init(job: ClaimedJob, connection: Connection, ledger: Ledger, log: Logger, now: Instant) {
        self.job = job
        self.connection = connection
        self.ledger = ledger
        self.log = log
        self.now = now
    }

    /// Enqueues a follow-up job in the same transaction.
    @discardableResult
    package func enqueue(_ job: NewJob) throws -> EnqueuedJob {
        var job = job
        job.trace = job.trace ?? self.job.trace
        return try ledger.enqueue(job, on: connection, now: now)
    }
}

/// What a leased handler works with.
///
/// Its effects are outside; what it does in the database before its end is its own transaction.
package struct LeasedContext: Sendable {
    package let job: ClaimedJob
    package let database: Database
    package let ledger: Ledger
    package let log: Logger
    let place: Place

    /// Gives up the run's place among its queue's concurrent ones, while it goes on: for a run that only waits for somebody who is slow.
    ///
    /// - Returns: false when too many stand aside already; the run keeps its place then.
    @discardableResult
    package func standAside() -> Bool { place.giveUp() }

    /// Saves what a later attempt can go on from; refused when the lease is lost.
    ///
    /// - Throws: `JobError` `interrupted` when the lease is another's by now; `PostgresError`.
    package func save(checkpoint: JSONValue? = nil, progress: JSONValue? = nil) async throws {
        let (id, run) = (job.id, job.lease?.run)
        let saved = try await database.run { connection in
            try connection.run(SQL.Settle.saveProgress, id, run, progress, checkpoint).affected
        }
        if saved == 0 { throw JobError(.interrupted, code: "lease_lost", "the lease is another worker's by now") }
    }
}
