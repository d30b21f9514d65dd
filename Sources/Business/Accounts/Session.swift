package import Bytes
package import Clocks
package import Crypto
package import JSON
internal import Postgres

/// How a session is shown at each request.
package enum SessionKind: String, Sendable {
    /// A random token in a cookie.
    case cookie
    /// A JWT that names the session.
    case token
    /// A cookie too; opened with an API key, and ends when the key ends.
    case key
}

/// A login that lasts.
package struct Session: Sendable {
    package var id: Identifier
    package var userID: Identifier
    package var kind: SessionKind
    package var apiKeyID: Identifier?
    package var ip: String?
    package var userAgent: String?
    package var createdAt: Instant
    package var lastSeenAt: Instant
    package var expiresAt: Instant

    init(_ row: Row) throws {
        id = try row("id")
        userID = try row("user_id")
        kind = try SessionKind(column: "kind", of: row)
        apiKeyID = try row("api_key_id")
        ip = try row("ip")
        userAgent = try row("user_agent")
        createdAt = try row("created_at")
        lastSeenAt = try row("last_seen_at")
        expiresAt = try row("expires_at")
    }

    /// As the API shows it.
    package var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id.text("sess")), "kind": .string(kind.rawValue), "ipAddress": ip.map(JSONValue.string) ?? .null,
            "userAgent": userAgent.map(JSONValue.string) ?? .null, "createdAt": .string(createdAt.text), "lastSeenAt": .string(lastSeenAt.text),
            "expiresAt": .string(expiresAt.text),
        ]
        object["apiKeyId"] = apiKeyID.map { .string($0.text("key")) }
        return .object(object)
    }
}

/// A session that was just opened, with what the client shows from now on.
package struct OpenedSession: Sendable {
    package let session: Session
    package let caller: Caller
    /// The cookie's value, of a session that is not of the kind `token`; stored nowhere.
    package let cookie: Secret<String>?

    /// The JWT of a session of the kind `token`.
    package func accessToken(signedBy tokens: JSONWebToken) -> Secret<String>? {
        session.kind == .token ? AccessToken.text(of: session, tokens: tokens) : nil
    }
}
