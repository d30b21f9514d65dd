internal import Business
internal import Crypto
internal import HTTPServer

/// What a request shows to say who it is: `Authorization: Bearer` (a JWT or an API key), `X-API-Key`, or the session's cookie, in this order.
enum Credentials {
    static let cookie = "millrace_session"

    /// The credential.
    ///
    /// - Throws: `authentication_required` when there is none, `invalid_credentials` and `session_expired` for a JWT that is not good.
    static func find(_ request: Request, tokens: JSONWebToken) throws(BusinessError) -> Credential {
        if let header = request.headers["Authorization"] {
            let parts = header.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "bearer" else {
                throw BusinessError(.unauthenticated, "invalid_credentials", "Send Authorization: Bearer with a token or an API key.")
            }
            return try Credential(bearer: String(parts[1]), tokens: tokens)
        }
        if let key = request.headers["X-API-Key"] { return .apiKey(Secret(key)) }
        if let cookie = request.cookies[cookie] { return .cookie(Secret(cookie)) }
        throw BusinessError(.unauthenticated, "authentication_required", "Log in, or send an API key as Authorization: Bearer or X-API-Key.")
    }
}
