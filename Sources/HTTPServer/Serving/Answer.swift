/// A response as it goes to the socket: checked, compressed, its file open.
///
/// It is made on the task's thread, so that the event loop only sends.
struct Answer: Sendable {
    enum Body: Sendable {
        case bytes([UInt8])
        case file(OpenFile)
        case events(EventSource)
        case reset
    }

    let status: Int
    let headers: Headers
    let body: Body
    let route: String?

    /// An answer of the server's own.
    init(_ problem: Problem, route: String? = nil) {
        let response = problem.response
        status = response.status
        headers = response.headers
        body = if case .bytes(let bytes) = response.body { .bytes(bytes) } else { .bytes([]) }
        self.route = route
    }

    private init(_ status: Int, _ headers: Headers, _ body: Body, _ route: String?) {
        self.status = status
        self.headers = headers
        self.body = body
        self.route = route
    }

    /// Makes a handler's response ready to send.
    ///
    /// A response that must not go out (a status that is none, a header field with a line break) is replaced by a 500 as a whole: sending a part of
    /// it would be worse.
    init(_ response: Response, to request: Request) {
        guard (200...599).contains(response.status), response.headers.fields.allSatisfy(\.isSafe) else {
            Self.discard(response.body)
            self.init(.internalError, route: response.route)
            return
        }
        var headers = response.headers
        for name in Self.owned { headers[name] = nil }
        if Self.isKnown(response, to: request) {
            Self.discard(response.body)
            headers["Content-Type"] = nil
            headers["Content-Encoding"] = nil
            self.init(304, headers, .bytes([]), response.route)
            return
        }
        switch response.body {
        case .empty:
            self.init(response.status, headers, .bytes([]), response.route)
        case .reset:
            self.init(response.status, headers, .reset, response.route)
        case .bytes(let bytes):
            let body = Self.compressed(bytes, &headers, for: request)
            self.init(response.status, headers, .bytes(body), response.route)
        case .file(let path):
            if let file = OpenFile(path) {
                self.init(response.status, headers, .file(file), response.route)
            } else {
                self.init(.notFound, route: response.route)
            }
        case .events(let source):
            // A stream has one reader; the first response keeps it.
            if source.attach() {
                self.init(response.status, headers, .events(source), response.route)
            } else {
                self.init(.internalError, route: response.route)
            }
        }
    }

    /// Lets go of what the answer holds when it is not sent.
    func discard() {
        if case .events(let source) = body { source.close() }
    }

    private static let owned = ["Content-Length", "Transfer-Encoding", "Connection", "Date", "X-Request-Id"]

    private static func discard(_ body: Response.Body) {
        if case .events(let source) = body { source.close() }
    }

    /// Whether the client has this version already.
    private static func isKnown(_ response: Response, to request: Request) -> Bool {
        guard response.status == 200, request.method == .get || request.method == .head, let tag = response.headers["ETag"] else { return false }
        return EntityTag.matches(tag, request.headers)
    }

    /// Compresses where it is worth it.
    ///
    /// A strong tag names exact bytes, so it becomes a weak one.
    private static func compressed(_ bytes: [UInt8], _ headers: inout Headers, for request: Request) -> [UInt8] {
        guard
            bytes.count > Compression.threshold, !headers.contains("Content-Encoding"), let type = headers["Content-Type"],
            ContentType.isCompressible(type)
        else { return bytes }
        headers.add("Vary", "Accept-Encoding")
        guard Compression.isAccepted(request.headers), let packed = Compression.gzip(bytes) else { return bytes }
        headers["Content-Encoding"] = "gzip"
        if let tag = headers["ETag"] { headers["ETag"] = EntityTag.weakened(tag) }
        return packed
    }
}
