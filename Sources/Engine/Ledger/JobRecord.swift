package import Bytes
package import Clocks
package import JSON
package import Postgres

/// A job as the ledger has it, alive or ended.
package struct JobRecord: Sendable {
    package var id: Identifier
    package var kind: String
    package var queue: String
    package var state: JobState
    package var accountID: Identifier?
    package var actorID: Identifier?
    package var parentID: Identifier?
    package var workerID: Identifier?
    package var createdAt: Instant
    package var runAt: Instant
    package var startedAt: Instant?
    package var finishedAt: Instant?
    package var attempt: Int
    package var maxAttempts: Int
    package var priority: Int
    package var trace: String?
    package var payload: JSONValue
    package var progress: JSONValue?
    package var result: JSONValue?
    package var errorCode: String?
    package var error: String?
    /// Each failed or interrupted attempt with its worker, start, end and error.
    package var attempts: [JSONValue]

    package init(_ row: Row) throws {
        id = try row("id")
        kind = try row("kind")
        queue = try row("queue")
        state = JobState(rawValue: try row("state")) ?? .queued
        accountID = try row("account_id")
        actorID = try row("actor_id")
        parentID = try row("parent_id")
        workerID = try row("worker_id")
        createdAt = try row("created_at")
        runAt = try row("run_at")
        startedAt = try row("started_at")
        finishedAt = try row("finished_at")
        attempt = try row("attempt")
        maxAttempts = try row("max_attempts")
        priority = try row("priority")
        trace = try row("trace")
        payload = try row("payload")
        progress = try row("progress")
        result = try row("result")
        errorCode = try row("error_code")
        error = try row("error")
        attempts = try row("attempts")
    }
}
