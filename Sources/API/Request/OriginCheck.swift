internal import HTTPServer

/// Who may make a browser call us: our own pages, and those of the origins that the operator named.
///
/// A browser adds our cookie to requests that other people's pages make. So a change with the cookie must say where it comes from (`Origin`, or `Referer` from
/// browsers that leave `Origin` out), and that must be this site or a named origin. Requests that show a token or a key are not affected: no page can
/// make a browser add those. For named origins the answers carry the CORS headers that let their scripts read them.
struct OriginCheck: Sendable {
    /// `https://shop.example.org`, in small letters, without a path.
    private let named: Set<String>
    /// Our own, when the operator said so; otherwise what the request calls us by.
    private let own: String?

    init(named: [String], publicURL: String?) {
        self.named = Set(named.compactMap { Self.origin(of: $0) })
        own = publicURL.flatMap { Self.origin(of: $0) }
    }

    /// Refuses a change that another site's page may have caused.
    ///
    /// - Throws: `origin_not_allowed`.
    func require(_ request: Request) throws(Problem) {
        switch request.method {
        case .get, .head, .options: return
        default: break
        }
        let hasCookie = request.cookies[Credentials.cookie] != nil
        let source = request.headers["Origin"] ?? request.headers["Referer"]
        if !hasCookie, source == nil || isMachine(request) { return }
        if let source, let origin = Self.origin(of: source), isOwn(origin, request) || named.contains(origin) { return }
        throw Problem(
            403, "origin_not_allowed", "Not allowed",
            detail: source == nil
                ? "A change with the session's cookie needs the header Origin or Referer." : "This site may not make changes with your session.")
    }

    /// The CORS headers, for a named origin.
    func decorate(_ response: inout Response, for request: Request) {
        guard let origin = request.headers["Origin"], let known = Self.origin(of: origin), named.contains(known) else { return }
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers.add("Vary", "Origin")
        if request.method == .options, request.headers.contains("Access-Control-Request-Method") {
            response.headers["Access-Control-Allow-Methods"] = response.headers["Allow"] ?? "GET"
            response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Idempotency-Key, X-API-Key, traceparent"
            response.headers["Access-Control-Max-Age"] = "600"
        } else {
            response.headers["Access-Control-Expose-Headers"] =
                "ETag, Idempotent-Replayed, Location, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id"
        }
    }

    private func isMachine(_ request: Request) -> Bool { request.headers.contains("Authorization") || request.headers.contains("X-API-Key") }

    private func isOwn(_ origin: String, _ request: Request) -> Bool {
        if let own { return origin == own }
        guard let host = request.headers["Host"]?.lowercased() else { return false }
        return origin == "https://" + host || origin == "http://" + host
    }

    /// Scheme, host and port of an origin or a URL; nil for `null` and what else is none.
    private static func origin(of text: String) -> String? {
        let text = text.lowercased()
        guard let scheme = ["https://", "http://"].first(where: text.hasPrefix) else { return nil }
        let authority = text.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.isEmpty, !authority.contains("@") else { return nil }
        let standard = scheme == "https://" ? ":443" : ":80"
        return scheme + (authority.hasSuffix(standard) ? authority.dropLast(standard.count) : authority)
    }
}
