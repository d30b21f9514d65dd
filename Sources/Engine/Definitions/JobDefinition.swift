package import Clocks
package import JSON

/// What a kind of job declares in `jobs/<kind>.json`.
package struct JobDefinition: Sendable {
    /// How a kind's effects and its completion belong together.
    package enum Style: String, Sendable, CaseIterable {
        /// Effects only in our database: claim, effects, completion and follow-up jobs are one transaction.
        case atomic
        /// Effects outside: a lease that is fenced, at least once under a stable key.
        case leased
    }

    /// Which other jobs of the kind a unique job meets.
    package enum UniqueStates: String, Sendable, CaseIterable {
        /// It folds into one that waits, never into one that already runs.
        case queued
        /// It folds into one that waits or runs.
        case queuedOrRunning
    }

    package struct Uniqueness: Sendable {
        /// Names of payload fields; empty: the kind as a whole.
        package var by: [String]
        package var states: UniqueStates
        /// Jobs enqueued in different windows never meet; nil: no window.
        package var window: Duration?
    }

    /// What happens to slots that passed while no scheduler ran.
    package enum CatchUp: String, Sendable, CaseIterable {
        case skip, latest, all
    }

    package struct Schedule: Sendable {
        package var name: String
        package var cron: CronExpression
        package var timeZone: String
        package var catchUp: CatchUp
        package var payload: JSONValue
    }

    package var kind: String
    package var summary: String
    package var handler: String
    package var style: Style
    package var queue: String
    /// Other queues in which its jobs may go: a slow lane beside the fast one.
    package var lanes: [String]
    package var maxAttempts: Int
    package var backoff: Backoff
    package var timeout: Duration
    /// From −10 to 10; greater goes first, and waiting ages upwards.
    package var priority: Int
    package var unique: Uniqueness?
    package var limits: Limits?
    package var schedules: [Schedule]
    /// How long an ended job of this kind stays in the ledger, rounded up to days.
    package var retentionDays: Int
    /// JSON Schema of the payload.
    package var payloadSchema: JSONSchema
    package var payloadSchemaSource: JSONValue
    package var example: JSONValue
}
