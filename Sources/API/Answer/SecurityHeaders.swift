internal import HTTPServer

/// What every answer tells browsers not to do with it.
///
/// A handler that has set a header keeps its own.
struct SecurityHeaders: Sendable {
    /// Browsers talk to us over TLS, and shall not talk otherwise.
    let isSecure: Bool

    func decorate(_ response: inout Response) {
        func add(_ name: String, _ value: String) {
            if !response.headers.contains(name) { response.headers[name] = value }
        }
        add("X-Content-Type-Options", "nosniff")
        add("X-Frame-Options", "DENY")
        add("Referrer-Policy", "strict-origin-when-cross-origin")
        add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        add("Cache-Control", "no-store")
        if isSecure { add("Strict-Transport-Security", "max-age=31536000") }
    }
}
