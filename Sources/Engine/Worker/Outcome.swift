package import JSON
package import Postgres

/// How a handler ends when it does not throw.
package struct Outcome: Sendable {
    enum Kind: Sendable {
        case done(JSONValue?)
        case snooze(Duration)
    }

    var kind: Kind
    /// Run in the transaction of the completion, after the lease token was checked: a leased job's database effects happen if and only if its end does.
    var effects: (@Sendable (Connection) throws -> Void)?

    /// The work is done.
    ///
    /// The result is kept with the job; it never carries credentials.
    package static func done(_ result: JSONValue? = nil) -> Outcome {
        Outcome(kind: .done(result))
    }

    /// The work is done, and these effects and follow-up jobs commit with the completion (leased kinds).
    package static func done(_ result: JSONValue? = nil, committing effects: @escaping @Sendable (Connection) throws -> Void) -> Outcome {
        Outcome(kind: .done(result), effects: effects)
    }

    /// Not yet: run again after this time, no attempt spent.
    package static func snooze(_ duration: Duration, committing effects: (@Sendable (Connection) throws -> Void)? = nil) -> Outcome {
        Outcome(kind: .snooze(duration), effects: effects)
    }
}

/// An error of a leased job together with database effects that commit with the retry or the death: the log of a failed delivery.
package struct FailureWithEffects: Error {
    package var error: JobError
    package var effects: @Sendable (Connection) throws -> Void

    package init(_ error: JobError, committing effects: @escaping @Sendable (Connection) throws -> Void) {
        self.error = error
        self.effects = effects
    }
}
