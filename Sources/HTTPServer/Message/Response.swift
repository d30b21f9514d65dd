package import JSON

/// The answer to a request.
///
/// Header fields that the server owns are not taken from here: `Content-Length`, `Transfer-Encoding`, `Connection`, `Date`, `X-Request-Id`.
package struct Response: Sendable {
    package enum Body: Sendable {
        case empty
        case bytes([UInt8])
        /// A regular file by its path, sent by the kernel without passing through this process.
        case file(String)
        /// A stream of events that lasts as long as the client stays.
        case events(EventSource)
        /// No answer at all: the connection is reset, as by a server that died.
        case reset
    }

    /// 200 to 599; anything else is answered as 500.
    package var status: Int
    package var headers: Headers
    package var body: Body

    /// The pattern of the route that answered, for whoever counts requests.
    var route: String?

    package init(_ status: Int = 200, headers: Headers = Headers(), body: Body = .empty) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

extension Response {
    /// A JSON document that is already written.
    package static func json(_ bytes: [UInt8], status: Int = 200) -> Response {
        Response(status, headers: ["Content-Type": "application/json"], body: .bytes(bytes))
    }

    package static func json(_ value: JSONValue, status: Int = 200) -> Response { json(value.serialized(), status: status) }

    /// Text in UTF-8.
    package static func text(_ text: String, status: Int = 200, type: String = "text/plain; charset=utf-8") -> Response {
        Response(status, headers: ["Content-Type": type], body: .bytes(Array(text.utf8)))
    }

    /// A file, with the content type of its name.
    package static func file(_ path: String) -> Response {
        Response(200, headers: ["Content-Type": ContentType.of(path)], body: .file(path))
    }

    /// Server-Sent Events.
    package static func events(_ source: EventSource) -> Response {
        Response(
            200, headers: ["Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"], body: .events(source))
    }

    /// Breaks the connection off instead of answering; for servers that play a bad one.
    package static var reset: Response { Response(200, body: .reset) }

    /// 204.
    package static var noContent: Response { Response(204) }

    /// 303 after a form, 307 or 308 where the method must stay.
    package static func redirect(to location: String, status: Int = 303) -> Response {
        Response(status, headers: ["Location": location])
    }

    package mutating func setCookie(_ cookie: Cookie) { headers.add("Set-Cookie", cookie.text) }
}
