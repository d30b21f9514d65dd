package import Engine

/// Why an upstream did not do what it was asked for, by what that says about the order.
package struct UpstreamError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        /// It said no, and will again: nothing was bought under this key.
        case refused
        /// The quote is over and was not used: nothing was bought under this key, a new quote may be.
        case quoteExpired
        /// Not now.
        case throttled(after: Duration)
        /// It cannot be reached, or has trouble: nobody knows, try again under the same key.
        case unknown
        /// What it said cannot be true together with what we know, or is for people to mend; trying again would guess with money.
        case unresolved
    }

    package var kind: Kind
    /// Stable, for machines; of a refusal the upstream's own code where it is one.
    package var code: String
    /// For people; nothing of the upstream's text, no secret.
    package var message: String

    package init(_ kind: Kind, code: String, _ message: String) {
        self.kind = kind
        self.code = code
        self.message = message
    }

    package var description: String { "\(code): \(message)" }
}

extension UpstreamError: JobFailure {
    package var jobError: JobError {
        switch kind {
        case .throttled(let after): JobError(.throttled(after: after), code: code, message)
        case .unknown, .quoteExpired: JobError(.transient, code: code, message)
        case .refused, .unresolved: JobError(.permanent, code: code, message)
        }
    }
}
