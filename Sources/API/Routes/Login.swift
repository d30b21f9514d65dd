internal import Business
internal import Crypto
internal import HTTPServer
internal import JSON
internal import Postgres

/// A login: by password, which gives a token or a cookie, or by API key, which gives a cookie that ends with the key.
///
/// Four steps, because bcrypt must hold neither a transaction nor a database lane: count the try and find who might be meant (one visit), check the password
/// (a lane of its own), open the session (a transaction), answer. A refusal is written into the audit log in a transaction of its own.
struct Login: Sendable {
    let call: Call

    func response() async throws -> Response {
        let opened: Opened
        if let key = call.body.text("apiKey") {
            guard !call.body.has("username"), !call.body.has("password") else {
                throw Problems.invalidBody([.init(field: "/apiKey", code: "not_allowed", message: "does not go with user name and password")])
            }
            opened = try await open(apiKey: Secret(key))
        } else {
            let username = try call.body.required("username", call.body.text("username"))
            let password = Secret(try call.body.required("password", call.body.text("password")))
            opened = try await open(username, password)
        }
        return try answer(opened)
    }

    private struct Opened: Sendable {
        let session: OpenedSession
        let identity: JSONValue
    }

    private func open(_ username: String, _ password: Secret<String>) async throws -> Opened {
        let (business, origin) = (call.business, call.origin)
        let kind: SessionKind = call.body.flag("cookie") == true ? .cookie : .token
        let limits = limits
        let candidate = try await call.context.database.run { connection in
            if let limits { try business.rateLimits.takeLogin(username: username, from: origin, limits: limits, on: connection) }
            return try business.sessions.candidate(username: username, on: connection)
        }
        do {
            let verified = try await call.context.onHashingLane { try candidate.verify(password) }
            return try await call.context.database.transaction { connection in
                let session = try business.sessions.open(verified, kind: kind, from: origin, on: connection)
                return Opened(session: session, identity: try business.me(session.caller, on: connection).json)
            }
        } catch let error as BusinessError {
            try await call.context.database.transaction { try business.sessions.noteFailure(candidate, error: error, from: origin, on: $0) }
            throw error
        }
    }

    private func open(apiKey: Secret<String>) async throws -> Opened {
        let (business, origin) = (call.business, call.origin)
        if let limits {
            // Counted under the key's public beginning: who tries keys is held up by the address alone.
            try await call.context.database.run { connection in
                try business.rateLimits.takeLogin(username: "key:" + apiKey.reveal.prefix(16), from: origin, limits: limits, on: connection)
            }
        }
        return try await call.context.database.transaction { connection in
            let session = try business.sessions.open(apiKey: apiKey, from: origin, on: connection)
            return Opened(session: session, identity: try business.me(session.caller, on: connection).json)
        }
    }

    private var limits: LoginLimits? {
        let limit = call.context.settings.loginRateLimit
        guard limit > 0 else { return nil }
        var limits = LoginLimits()
        limits.perAddress = limit
        limits.perUsername = limit
        limits.window = .seconds(60)
        return limits
    }

    private func answer(_ opened: Opened) throws -> Response {
        var document: JSONObject = [
            "expiresAt": .time(opened.session.session.expiresAt), "session": opened.session.session.json, "identity": opened.identity,
        ]
        if let token = opened.session.accessToken(signedBy: call.context.settings.tokens) {
            document["token"] = .string(token.reveal)
            document["tokenType"] = "Bearer"
        }
        var response = Response.json(JSONValue.object(document).serialized())
        if let cookie = opened.session.cookie { response.setCookie(SessionCookie.cookie(cookie, call.context.settings)) }
        return response
    }
}
