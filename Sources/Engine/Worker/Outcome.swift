package import JSON
package import Postgres

/// How a handler ends when it does not throw.
package struct Outcome: Sendable {
    enum Kind: Sendable {
        case done(JSONValue?)
        case snooze(Duration)
    }

    var kind: Kind
    var effects: Effects?
    /// Where a snoozed job goes on; nil: where it is.
    var queue: String?

    /// The work is done.
    ///
    /// The result is kept with the job; it never carries credentials.
    package static func done(_ result: JSONValue? = nil, with effects: Effects? = nil) -> Outcome {
        Outcome(kind: .done(result), effects: effects)
    }

    /// The work is done, and these effects and follow-up jobs commit with the completion (leased kinds).
    package static func done(_ result: JSONValue? = nil, committing effects: @escaping @Sendable (Connection) throws -> Void) -> Outcome {
        .done(result, with: Effects(effects))
    }

    /// Not yet: run again after this time, no attempt spent.
    ///
    /// - Parameter queue: another of the kind's lanes, in which the job goes on.
    package static func snooze(_ duration: Duration, in queue: String? = nil, with effects: Effects? = nil) -> Outcome {
        Outcome(kind: .snooze(duration), effects: effects, queue: queue)
    }

    /// Not yet, and these effects commit with the job's way back.
    package static func snooze(_ duration: Duration, committing effects: @escaping @Sendable (Connection) throws -> Void) -> Outcome {
        .snooze(duration, with: Effects(effects))
    }
}

/// An error of a leased job together with database effects that commit with the retry or the death: the log of a failed delivery.
package struct FailureWithEffects: Error {
    package var error: JobError
    package var effects: Effects
    /// Where a retry goes on; nil: where the job is.
    package var queue: String?

    /// - Parameter queue: another of the kind's lanes, in which the retry goes on.
    package init(_ error: JobError, in queue: String? = nil, with effects: Effects) {
        self.error = error
        self.effects = effects
        self.queue = queue
    }

    package init(_ error: JobError, committing effects: @escaping @Sendable (Connection) throws -> Void) {
        self.init(error, with: Effects(effects))
    }
}
