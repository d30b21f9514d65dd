package import Bytes
package import Clocks
package import JSON

/// A job to enqueue.
package struct NewJob: Sendable {
    package var id: Identifier
    package var kind: String
    package var payload: JSONValue
    /// Whose work it is; jobs of different accounts take turns.
    ///
    /// Nil: the platform's own.
    package var accountID: Identifier?
    /// The user who asked for it.
    package var actorID: Identifier?
    package var parentID: Identifier?
    /// When it may run at the earliest; nil: at once.
    package var runAt: Instant?
    /// Nil: the kind's.
    package var priority: Int?
    /// W3C traceparent of what asked for it.
    package var trace: String?
    /// One of the kind's lanes; nil: its queue.
    package var queue: String?

    package init(
        _ kind: String, _ payload: JSONValue, id: Identifier = .next(), account accountID: Identifier? = nil, actor actorID: Identifier? = nil,
        parent parentID: Identifier? = nil, runAt: Instant? = nil, priority: Int? = nil, trace: String? = nil,
        queue: String? = nil
    ) {
        self.id = id
        self.kind = kind
        self.payload = payload
        self.accountID = accountID
        self.actorID = actorID
        self.parentID = parentID
        self.runAt = runAt
        self.priority = priority
        self.trace = trace
        self.queue = queue
    }
}

/// What became of a job to enqueue.
package struct EnqueuedJob: Sendable, Hashable {
    /// The job's id; of a unique job that met its twin, the twin's.
    package var id: Identifier
    /// False when it folded into an earlier job.
    package var isNew: Bool
}
