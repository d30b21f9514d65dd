/// Why there is no response.
///
/// `message` may be shown to the tenant whose URL it was: it names nothing that they did not give, above all no address that a name led to, since that
/// would let them read an internal name service.
package struct HTTPClientError: Error, Hashable, Sendable, CustomStringConvertible {
    package let kind: Kind
    package let message: String
    /// True when the request, or a part of it, was written: the other side may have acted on it.
    package let mayHaveArrived: Bool

    package enum Kind: Hashable, Sendable {
        /// The URL cannot be used; it never will.
        case invalidURL(GuardedURL.Problem)
        /// The request cannot be sent as it is: a programming error of the caller.
        case invalidRequest
        /// The address, or one of the name's addresses, is not allowed.
        case refusedAddress(AddressGuard.Refusal)
        case nameNotResolved
        case connectFailed
        case tls
        case timedOut(Phase)
        /// The calling task was cancelled.
        case cancelled
        /// The connection broke, or what came is not HTTP.
        case brokenResponse
        /// The client was stopped.
        case stopped
    }

    /// Where the time ran out.
    package enum Phase: String, Hashable, Sendable {
        case lookup = "while looking up the host's name"
        case connect = "while connecting"
        case tls = "in the TLS handshake"
        case firstByte = "while waiting for the response"
        case body = "while reading the response"
    }

    init(_ kind: Kind, _ message: String, mayHaveArrived: Bool = false) {
        self.kind = kind
        self.message = message
        self.mayHaveArrived = mayHaveArrived
    }

    package var description: String { message }
}

extension HTTPClientError {
    static func invalidURL(_ problem: GuardedURL.Problem) -> Self { Self(.invalidURL(problem), problem.description) }

    /// An address that the tenant wrote is called by its kind; what a name leads to is not told.
    static func refused(_ refusal: AddressGuard.Refusal, host: GuardedURL.Host) -> Self {
        switch host {
        case .address: Self(.refusedAddress(refusal), "the URL's address is not allowed: it is \(refusal.rawValue)")
        case .name: Self(.refusedAddress(refusal), "the URL's host does not lead to the public internet")
        }
    }

    static func timedOut(_ phase: Phase, mayHaveArrived: Bool = false) -> Self {
        Self(.timedOut(phase), "the time ran out \(phase.rawValue)", mayHaveArrived: mayHaveArrived)
    }

    static func cancelled(mayHaveArrived: Bool) -> Self { Self(.cancelled, "the request was cancelled", mayHaveArrived: mayHaveArrived) }

    static func stopped(mayHaveArrived: Bool) -> Self { Self(.stopped, "the client was stopped", mayHaveArrived: mayHaveArrived) }
}
