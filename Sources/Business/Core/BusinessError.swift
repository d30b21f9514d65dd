package import Engine

/// Why a rule refused.
///
/// The adapters turn it into a problem document or into a job's end; the code is stable and documented.
package struct BusinessError: Error, Sendable, CustomStringConvertible {
    /// What the caller can do about it; decides the HTTP status.
    package enum Kind: Sendable, Hashable {
        /// 400: the request is not understood.
        case badRequest
        /// 401: who are you?
        case unauthenticated
        /// 402: the wallet does not cover it.
        case paymentRequired
        /// 403: you may not.
        case forbidden
        /// 404: there is no such thing, or it is not yours to see; never told apart.
        case notFound
        /// 409: the thing's state does not allow it.
        case conflict
        /// 410: it was there, and its time is over.
        case gone
        /// 422: a field's value is not acceptable.
        case invalid
        /// 429: slow down; `retryAfter` says for how long.
        case tooManyRequests
        /// 503: a part that this needs is away; try again.
        case unavailable
    }

    package var kind: Kind
    /// Stable snake_case, for machines: `insufficient_balance`.
    package var code: String
    /// For people: what is wrong and what to do.
    package var message: String
    /// JSON Pointer of the field at fault, `/amount`.
    package var field: String?
    package var retryAfter: Duration?

    package init(_ kind: Kind, _ code: String, _ message: String, field: String? = nil, retryAfter: Duration? = nil) {
        self.kind = kind
        self.code = code
        self.message = message
        self.field = field
        self.retryAfter = retryAfter
    }

    package static func notFound(_ what: String) -> BusinessError {
        BusinessError(.notFound, "not_found", "There is no such \(what).")
    }

    package var description: String { "\(code): \(message)" }
}

extension BusinessError: JobFailure {
    /// A rule's refusal does not change by trying again, but for what is away or too busy.
    package var jobError: JobError {
        switch kind {
        case .unavailable, .conflict: JobError(.transient, code: code, message)
        case .tooManyRequests: JobError(.throttled(after: retryAfter ?? .seconds(60)), code: code, message)
        default: JobError(.permanent, code: code, message)
        }
    }
}
