package import Bytes

/// What is known about a request when it is over, for metrics and the access log.
///
/// It holds no query, no header field and no body.
package struct RequestSummary: Sendable {
    package enum Outcome: Sendable {
        /// The response went to the socket as a whole.
        case completed
        /// The client went away, or was cut off, before that.
        case aborted
    }

    package let id: Identifier
    /// Nil when the request was so malformed that it never got so far.
    package let method: Method?
    package let rawPath: String
    /// The route's pattern, for counting; nil when none matched.
    package let route: String?
    package let clientAddress: String
    /// 0 when the client was gone before there was an answer.
    package let status: Int
    /// From the request's first line to the last byte of the answer.
    package let duration: Duration
    package let bytesReceived: Int
    /// The body as it was sent, compressed or not, without header fields.
    package let bytesSent: Int
    package let outcome: Outcome
}
