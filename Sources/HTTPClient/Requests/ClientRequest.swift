/// One request to somebody else's server, with everything that bounds it.
package struct ClientRequest: Sendable {
    package var method: Method
    /// The whole URL; read strictly (`GuardedURL`), never repaired.
    package var url: String
    /// Sent in this order after `Host`.
    ///
    /// Nothing is added but `User-Agent` (unless given), and `Content-Length` where there is a body.
    package var headers: HeaderFields
    package var body: [UInt8]
    /// From the name lookup's end to an open connection, TLS included.
    package var connectTimeout: Duration
    /// From `send` to the last byte, name lookup included.
    package var timeout: Duration
    /// The response's body is cut here: `truncated` is set and the rest is not read.
    package var maximumResponseBytes: Int
    package var destination: Destination
    /// Opens a connection for this request alone.
    ///
    /// A reused connection may be closed by the other side in the moment that the request is written; libcurl then sends the request again on a new
    /// connection. That is right for everything that may arrive twice. Set this for a request that must not.
    package var freshConnection: Bool

    package init(
        _ method: Method, _ url: String, headers: HeaderFields = [:], body: [UInt8] = [], connectTimeout: Duration = .seconds(5),
        timeout: Duration = .seconds(15), maximumResponseBytes: Int = 1 << 20, destination: Destination = .guarded, freshConnection: Bool = false
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.connectTimeout = connectTimeout
        self.timeout = timeout
        self.maximumResponseBytes = maximumResponseBytes
        self.destination = destination
        self.freshConnection = freshConnection
    }

    package enum Method: String, Sendable, CaseIterable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
        case options = "OPTIONS"
    }

    /// Who chose the URL, which decides what it may lead to.
    package enum Destination: Sendable {
        /// A tenant: the client's URL rules and its `AddressGuard` decide.
        case guarded
        /// The operator: any address, any port.
        case trusted
    }
}

extension ClientRequest {
    /// Fields that say where a message begins and ends or who is meant; they follow from URL and body, and a second opinion is request smuggling.
    private static let owned = ["host", "content-length", "transfer-encoding", "connection", "expect", "te", "trailer", "upgrade", "keep-alive"]

    /// Why the headers cannot be sent as they are; nil when they can.
    var headerProblem: String? {
        for field in headers.fields {
            guard !field.name.isEmpty, field.name.utf8.allSatisfy(Self.isToken) else { return "a header's name is not a token" }
            guard field.value.utf8.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }) else {
                return "the header \(field.name) contains a control character"
            }
            if Self.owned.contains(field.name.lowercased()) { return "the header \(field.name) is set by the client itself" }
        }
        return nil
    }

    /// RFC 9110 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
