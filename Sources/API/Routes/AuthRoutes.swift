internal import Business
internal import Crypto
internal import HTTPServer
internal import JSON
internal import Postgres

/// Logging in and out, the own sessions, the own password.
enum AuthRoutes {
    static let operations: [String: Operation] = [
        "login": .direct { try await Login(call: $0).response() },
        "logout": .direct { call in
            let caller = call.caller
            try await call.context.database.transaction { try call.business.sessions.close(by: caller, on: $0) }
            var response = Response.noContent
            response.setCookie(SessionCookie.removal(call.context.settings))
            return response
        },
        "getMe": .read { call, connection in .ok(try call.business.me(call.caller, on: connection).json) },
        "changePassword": .change(after: PasswordChange.prepare) { call, change, connection in
            try call.business.users.changePassword(change.verified, to: change.password, by: call.caller, on: connection)
            return .done
        },
        "listSessions": .read { call, connection in
            .page(try call.business.sessions.list(after: call.cursor, limit: call.limit, by: call.caller, on: connection), \.json)
        },
        "revokeOtherSessions": .change { call, connection in
            try call.business.sessions.revokeOthers(by: call.caller, on: connection)
            return .done
        },
        "revokeSession": .change { call, connection in
            try call.business.sessions.revoke(call.id("sessionId"), by: call.caller, on: connection)
            return .done
        },
    ]
}

/// The browser's cookie.
///
/// The server decides when a session ends; the browser only forgets it some time after that.
enum SessionCookie {
    static func cookie(_ value: Secret<String>, _ settings: APISettings) -> Cookie {
        var cookie = Cookie(Credentials.cookie, value.reveal, maxAge: 30 * 86_400)
        cookie.secure = settings.secureCookies
        return cookie
    }

    static func removal(_ settings: APISettings) -> Cookie {
        var cookie = Cookie(Credentials.cookie, "", maxAge: 0)
        cookie.secure = settings.secureCookies
        return cookie
    }
}

/// A new own password, after the current one was shown.
struct PasswordChange: Sendable {
    let verified: VerifiedLogin
    let password: PasswordHash

    @Sendable static func prepare(_ call: Call) async throws -> PasswordChange {
        let (business, caller, limit) = (call.business, call.caller, call.context.settings.loginRateLimit)
        let current = Secret(try call.body.required("currentPassword", call.body.text("currentPassword")))
        let new = Secret(try call.body.required("newPassword", call.body.text("newPassword")))
        let candidate = try await call.context.database.run { connection in
            if limit > 0, let user = caller.subjectID {
                try business.rateLimits.take("password:\(user)", limit: limit, window: .seconds(60), on: connection).require()
            }
            return try business.sessions.candidate(self: caller, on: connection)
        }
        return try await call.context.onHashingLane {
            try PasswordChange(verified: candidate.verify(current), password: business.hash(password: new, field: "/newPassword"))
        }
    }
}
