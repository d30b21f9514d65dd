package import Bytes
package import Clocks
package import JSON
internal import Postgres

/// A job in hand.
package struct ClaimedJob: Sendable {
    package let id: Identifier
    package let kind: String
    package let queue: String
    package let accountID: Identifier?
    package let actorID: Identifier?
    package let createdAt: Instant
    package let runAt: Instant
    /// The number of this attempt, from 1; an attempt that is snoozed or interrupted is counted again.
    package let attempt: Int
    package let maxAttempts: Int
    package let payload: JSONValue
    /// What an earlier attempt saved to go on from.
    package let checkpoint: JSONValue?
    package let trace: String?
    /// Nil for an atomic job.
    let lease: Lease?
    let deaths: Int
    let suspect: Bool
    let cancelled: Bool
    let startedAt: Instant
    /// The lane in which it goes on when this run puts it back; nil: where it is.
    var next: String?
    /// The key whose limit the job is under.
    let limitKey: String?
    /// Why the row's payload is no JSON that we read; such a job dies of it, and must not take the jobs of its batch with it.
    let payloadFault: String?

    /// The key of which this run holds a permit; an atomic run holds a slot until its transaction ends, and nothing to be given back.
    var permit: String? { lease == nil ? nil : limitKey }

    /// Under which an outside system knows this job's effect, the same over all attempts.
    package var idempotencyKey: String { id.text("job") }

    /// Whether this is the last attempt.
    package var isLastAttempt: Bool { attempt >= maxAttempts }
}

/// What stands for a leased run in the ledger.
struct Lease: Sendable {
    /// The row of `claims` that this job was claimed with.
    let claim: Int64
    /// How many runs the job had behind it: the fence of this one's end, since every way out of a run moves that number on.
    let run: Int32
    let worker: Identifier
}

extension ClaimedJob {
    /// - Parameter worker: under which identity it was leased; nil for an atomic job.
    init(_ row: Row, leasedBy worker: Identifier?) throws {
        id = try row("id")
        kind = try row("kind")
        queue = try row("queue")
        accountID = try row("account_id")
        actorID = try row("actor_id")
        createdAt = try row("created_at")
        runAt = try row("run_at")
        if let worker {
            lease = Lease(claim: try row("claim_id"), run: try row("runs"), worker: worker)
            startedAt = try row("started_at")
        } else {
            lease = nil
            startedAt = .now
        }
        let spent: Int = try row("attempt")
        attempt = spent + 1
        maxAttempts = try row("max_attempts")
        do {
            payload = try row("payload")
            payloadFault = nil
        } catch {
            payload = .null
            payloadFault = error.message
        }
        checkpoint = try? row("checkpoint")
        trace = try row("trace")
        limitKey = try row("limit_key")
        deaths = try row("deaths")
        suspect = try row("suspect")
        cancelled = try row("cancelled")
    }
}
