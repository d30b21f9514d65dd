package import Bytes

/// One request, wholly received, as a handler sees it.
package struct Request: Sendable {
    /// Made by the server for this request; the client gets it back as `X-Request-Id`.
    package let id: Identifier
    package let method: Method
    package let target: RequestTarget
    package var headers: Headers
    package let body: [UInt8]
    /// The address of the other end of the socket as text, without its port.
    ///
    /// A proxy in front shows itself here; who may be believed is not ours to say.
    package let clientAddress: String
    /// When its first line was read, in nanoseconds of the monotonic clock.
    package let receivedAt: Int64

    /// What the route's pattern caught.
    package var parameters = Parameters()
    /// The route's pattern, `/plans/{id}`: the name under which requests are counted.
    ///
    /// Nil when no route matched.
    package var route: String?

    /// Makes a request by hand, for calling a handler without a socket; nil when the target is malformed.
    package init?(
        _ method: Method, _ target: String, headers: Headers = Headers(), body: [UInt8] = [], clientAddress: String = "127.0.0.1"
    ) {
        guard let target = RequestTarget(target) else { return nil }
        self.init(
            id: .next(), method: method, target: target, headers: headers, body: body, clientAddress: clientAddress,
            receivedAt: monotonicNanoseconds())
    }

    init(id: Identifier, method: Method, target: RequestTarget, headers: Headers, body: [UInt8], clientAddress: String, receivedAt: Int64) {
        self.id = id
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.clientAddress = clientAddress
        self.receivedAt = receivedAt
    }

    package var path: String { target.path }
    package var rawPath: String { target.rawPath }
    package var query: Query { target.query }
    package var cookies: Cookies { Cookies(headers) }
}
