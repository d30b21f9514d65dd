/// What the other server answered.
///
/// Every status is a response, 3xx and 5xx too.
package struct ClientResponse: Sendable {
    package let status: Int
    package let headers: HeaderFields
    package let body: [UInt8]
    /// True when the body was longer than the request's `maximumResponseBytes`.
    package let truncated: Bool
    package let timings: Timings
    /// The address that was connected to.
    package let remoteAddress: IPAddress

    /// Where the time went, in microseconds; a phase that did not happen (a reused connection, plain HTTP) is 0.
    package struct Timings: Hashable, Sendable {
        /// The name lookup.
        package internal(set) var lookup: Int64 = 0
        /// The TCP handshake.
        package internal(set) var connect: Int64 = 0
        /// The TLS handshake.
        package internal(set) var tls: Int64 = 0
        /// From `send` to the first byte of the response.
        package internal(set) var firstByte: Int64 = 0
        /// From `send` to the last byte.
        package internal(set) var total: Int64 = 0
    }
}
