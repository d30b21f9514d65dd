/// How a handler says that its job did not succeed, and what the engine is to do about it.
package struct JobError: Error, Sendable, CustomStringConvertible {
    /// The closed set of ends other than success.
    package enum Disposition: Sendable, Hashable {
        /// Try again after the kind's backoff.
        case transient
        /// Try again, but not before this long: a `Retry-After`, a full limit.
        case throttled(after: Duration)
        /// The run was broken off from outside; try again at once, no attempt spent.
        case interrupted
        /// No retry can help; dead.
        case permanent
        /// The payload does not decode or makes no sense; dead.
        case invalid
    }

    package var disposition: Disposition
    /// Stable, for machines: `insufficient_balance`, `http_503`.
    package var code: String
    /// For people; never holds a secret.
    package var message: String

    package init(_ disposition: Disposition, code: String, _ message: String) {
        self.disposition = disposition
        self.code = code
        self.message = message
    }

    package var description: String { "\(code): \(message)" }
}

/// An error of a lower or a business module that knows what it means for a job.
package protocol JobFailure: Error {
    /// What the engine is to do with a job that ends in this error.
    var jobError: JobError { get }
}
