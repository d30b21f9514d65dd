internal import Bytes
package import Clocks
package import Crypto
internal import JSON

/// What a request shows to say who it is.
package enum Credential: Sendable {
    /// The value of a dashboard's cookie.
    case cookie(Secret<String>)
    /// A JWT of ours whose signature and end were checked.
    case token(AccessToken)
    /// One of our API keys.
    case apiKey(Secret<String>)

    /// Reads what follows `Bearer`: an API key or a JWT.
    ///
    /// - Throws: `invalid_credentials`, `session_expired`.
    package init(bearer text: String, tokens: JSONWebToken, now: Instant = .now) throws(BusinessError) {
        if text.hasPrefix(APIKey.marker) {
            self = .apiKey(Secret(text))
        } else {
            self = .token(try AccessToken(text, tokens: tokens, now: now))
        }
    }
}

/// What a JWT of ours says: which session of which user.
///
/// It proves only that we issued it. Whether the session still stands, the sessions table says at every request; that is what makes a logout work.
package struct AccessToken: Sendable {
    let sessionID: Identifier
    let userID: Identifier

    init(sessionID: Identifier, userID: Identifier) {
        self.sessionID = sessionID
        self.userID = userID
    }

    /// Checks and reads a JWT.
    ///
    /// - Throws: `session_expired`, `invalid_credentials`.
    package init(_ text: String, tokens: JSONWebToken, now: Instant = .now) throws(BusinessError) {
        let payload: [UInt8]
        do {
            payload = try tokens.verify(text, now: now.seconds)
        } catch {
            throw error.kind == .expired ? BusinessError.sessionExpired : BusinessError.invalidCredentials
        }
        guard let claims = try? JSONValue(parsing: payload), let session = claims["sid"]?.string, let user = claims["sub"]?.string,
            let sessionID = Identifier(session, prefix: "sess"), let userID = Identifier(user, prefix: "user")
        else { throw BusinessError.invalidCredentials }
        self.init(sessionID: sessionID, userID: userID)
    }

    /// The JWT of a session.
    static func text(of session: Session, tokens: JSONWebToken) -> Secret<String> {
        let claims: JSONValue = [
            "sub": .string(session.userID.text("user")), "sid": .string(session.id.text("sess")), "iat": .int(session.createdAt.seconds),
            "exp": .int(session.expiresAt.seconds),
        ]
        return Secret(tokens.sign(payload: claims.serialized()))
    }
}

/// The refusals at the door. Which of them, a client may act on: log in again, ask for another key, come from another place.
extension BusinessError {
    static var invalidCredentials: BusinessError {
        BusinessError(.unauthenticated, "invalid_credentials", "These credentials are not valid.")
    }

    static var sessionExpired: BusinessError {
        BusinessError(.unauthenticated, "session_expired", "The session has expired; log in again.")
    }

    static var sessionRevoked: BusinessError {
        BusinessError(.unauthenticated, "session_revoked", "The session was ended; log in again.")
    }

    static var apiKeyRevoked: BusinessError {
        BusinessError(.unauthenticated, "api_key_revoked", "The API key was deleted or switched off.")
    }

    static var apiKeyExpired: BusinessError {
        BusinessError(.unauthenticated, "api_key_expired", "The API key has expired.")
    }

    static var accountDeactivated: BusinessError {
        BusinessError(.forbidden, "account_deactivated", "The user or its account is deactivated.")
    }

    static var addressNotAllowed: BusinessError {
        BusinessError(.forbidden, "address_not_allowed", "This address is not among the allowed ones.")
    }
}
