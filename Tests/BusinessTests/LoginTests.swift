import Business
import Bytes
import Clocks
import Crypto
import Glibc
import JSON
import Postgres
import TestSupport
import Testing

@Suite(.database(.millrace))
struct LoginTests {
    @Test func `a cookie opens the door until it is given back`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let opened = try await tenants.login("north")
        let caller = try await tenants.enter(opened)
        #expect(caller.accountID == tenants.north && caller.sessionID == opened.session.id && caller.actorID == caller.subjectID)
        #expect(caller.ip == "198.51.100.7" && caller.role == .reseller)
        try await tenants.act { try $1.sessions.close(by: caller, on: $0) }
        await Tenants.refuses(.unauthenticated, "session_revoked") { try await tenants.enter(opened) }
        let stored = try await tenants.count("select count(*) from sessions where encode(token_hash, 'escape') like '%mr_session%'")
        #expect(stored == 0)
        #expect(
            try await tenants.count(
                "select count(*) from audit_log where action in ('session.open', 'session.close') and resource_id = $1", opened.session.id) == 2)
    }

    @Test func `a JWT names its session, and a logout makes it worthless`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let tokens = try JSONWebToken(keys: [Secret([UInt8](repeating: 7, count: 32))])
        let opened = try await tenants.login("north", kind: .token)
        #expect(opened.cookie == nil)
        let text = try #require(opened.accessToken(signedBy: tokens)?.reveal)
        let caller = try await tenants.enter(Credential(bearer: text, tokens: tokens))
        #expect(caller.accountID == tenants.north)
        let lateBy = opened.session.expiresAt
        await Tenants.refuses(.unauthenticated, "session_expired") { try Credential(bearer: text, tokens: tokens, now: lateBy) }
        let foreign = try JSONWebToken(keys: [Secret([UInt8](repeating: 8, count: 32))])
        await Tenants.refuses(.unauthenticated, "invalid_credentials") { try Credential(bearer: text, tokens: foreign) }
        await Tenants.refuses(.unauthenticated, "invalid_credentials") { try Credential(bearer: text + "x", tokens: tokens) }
        let claims: JSONValue = [
            "sid": .string(opened.session.id.text("sess")), "sub": .string(Identifier.next().text("user")), "exp": 9_999_999_999,
        ]
        let forged = Credential.token(try AccessToken(tokens.sign(payload: claims.serialized()), tokens: tokens))
        await Tenants.refuses(.unauthenticated, "invalid_credentials") { try await tenants.enter(forged) }
        try await tenants.act { try $1.sessions.close(by: caller, on: $0) }
        await Tenants.refuses(.unauthenticated, "session_revoked") { try await tenants.enter(Credential(bearer: text, tokens: tokens)) }
    }

    @Test func `a session that is used slides, one that is not ends, and none lives for ever`() async throws {
        let tenants = try await Tenants.open { $0.sessionLifetime = .seconds(3600) }
        defer { tenants.close() }
        let start = Instant.now
        let opened = try await tenants.login("north", now: start)
        _ = try await tenants.enter(opened, now: start + .seconds(3000))
        _ = try await tenants.enter(opened, now: start + .seconds(6000))
        await Tenants.refuses(.unauthenticated, "session_expired") { try await tenants.enter(opened, now: start + .seconds(6000 + 3600)) }
        let tireless = try await tenants.login("north", now: start)
        var now = start
        while now < start + .seconds(30 * 86_400) - .seconds(3000) {
            now = now + .seconds(3000)
            _ = try await tenants.enter(tireless, now: now)
        }
        await Tenants.refuses(.unauthenticated, "session_expired") { try await tenants.enter(tireless, now: start + .seconds(30 * 86_400)) }
    }

    @Test func `being seen is written at most once a minute`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let start = Instant.now
        let opened = try await tenants.login("north", now: start)
        for second in [1, 30, 59] { _ = try await tenants.enter(opened, now: start + .seconds(second)) }
        #expect(try await seen(opened, tenants) == start)
        _ = try await tenants.enter(opened, now: start + .seconds(61))
        #expect(try await seen(opened, tenants) == start + .seconds(61))
    }

    @Test func `a request does not wait for a session's row that somebody holds`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let start = Instant.now
        let opened = try await tenants.login("north", now: start)
        let holder = try TestDatabase.current.connect()
        try holder.script("begin; select * from sessions for update")
        _ = try await tenants.enter(opened, now: start + .seconds(120))
        try holder.script("rollback")
        #expect(try await seen(opened, tenants) == start)
    }

    @Test func `allowed addresses of the user, the account and every ancestor all count`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let root = try await tenants.caller("root")
        let office = Origin(ip: "203.0.113.9")
        try await allow(["203.0.113.0/24", "2001:db8::/32"], account: tenants.north, by: root, tenants)
        _ = try await tenants.login("north-east", from: office)
        _ = try await tenants.login("north-east", from: Origin(ip: "::ffff:203.0.113.9"))
        _ = try await tenants.login("north-east", from: Origin(ip: "2001:db8::5"))
        for elsewhere in [Origin(ip: "203.0.114.9"), Origin(ip: "2001:db9::5"), Origin(), Origin(ip: "nonsense")] {
            await Tenants.refuses(.forbidden, "address_not_allowed") { try await tenants.login("north-east", from: elsewhere) }
            await Tenants.refuses(.unauthenticated, "invalid_credentials") {
                try await tenants.login("north-east", Secret("wrong horse"), from: elsewhere)
            }
        }
        _ = try await tenants.login("south", from: Origin())
        let user = try await tenants.login("north-east", from: office).session.userID
        try await tenants.act { connection, business in
            var changes = UserChanges()
            changes.allowedIPs = ["203.0.113.128/25"]
            try business.users.edit(user, changes, by: root, on: connection)
        }
        await Tenants.refuses(.forbidden, "address_not_allowed") { try await tenants.login("north-east", from: office) }
        _ = try await tenants.login("north-east", from: Origin(ip: "203.0.113.200"))
    }

    @Test func `the same work is done for a name that nobody has`() async throws {
        let tenants = try await Tenants.open { $0.passwordCost = 9 }
        defer { tenants.close() }
        let root = try await tenants.caller("root")
        let hash = try tenants.business.hash(password: Tenants.password)
        try await tenants.act { try $1.users.create(NewUser(username: "known", password: hash), in: tenants.north, by: root, on: $0) }
        let business = tenants.business
        var times: [String: Int] = [:]
        for name in ["known", "unknown"] {
            let candidate = try await tenants.database.run { try business.sessions.candidate(username: name, on: $0) }
            times[name] = (0..<5).map { _ in
                // The thread's own time: what else the machine does must not count.
                let start = processorTime()
                _ = try? candidate.verify(Secret("wrong horse"))
                return processorTime() - start
            }.min()
        }
        let (known, unknown) = (try #require(times["known"]), try #require(times["unknown"]))
        #expect(unknown > known / 3 && known > unknown / 3, "\(known) and \(unknown) ns")
    }

    @Test func `a hash of a lower cost is made anew at the next login`() async throws {
        let tenants = try await Tenants.open { $0.passwordCost = 5 }
        defer { tenants.close() }
        _ = try await tenants.login("north")
        #expect(try await tenants.count("select count(*) from users where username = 'north' and password_hash like '$2b$05$%'") == 1)
        _ = try await tenants.login("north")
    }

    @Test func `sessions are listed and ended by their own user alone`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let (one, two) = try await (tenants.login("north"), tenants.login("north"))
        let (caller, stranger) = try await (tenants.enter(one), tenants.caller("root"))
        let listed = try await tenants.act { try $1.sessions.list(by: caller, on: $0) }
        #expect(listed.items.map(\.id) == [two.session.id, one.session.id])
        #expect(listed.items[0].ip == "198.51.100.7")
        await Tenants.refuses(.notFound, "not_found") { try await tenants.act { try $1.sessions.revoke(two.session.id, by: stranger, on: $0) } }
        try await tenants.act { try $1.sessions.revoke(two.session.id, by: caller, on: $0) }
        await Tenants.refuses(.notFound, "not_found") { try await tenants.act { try $1.sessions.revoke(two.session.id, by: caller, on: $0) } }
        await Tenants.refuses(.unauthenticated, "session_revoked") { try await tenants.enter(two) }
        _ = try await tenants.login("north")
        #expect(try await tenants.act { try $1.sessions.revokeOthers(by: caller, on: $0) } == 1)
        _ = try await tenants.enter(one)
        #expect(try await tenants.act { try $1.sessions.sweep(endedBefore: .now + .seconds(3600), on: $0) } == 2)
    }

    @Test func `who impersonates is looked at at every request too`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let support = try await tenants.hire("support", .support)
        let opened = try await tenants.login("north")
        let (actor, root) = (try #require(support.subjectID), try await tenants.caller("root"))
        try await tenants.tamper("update sessions set actor_id = $1 where id = $2", actor, opened.session.id)
        let caller = try await tenants.enter(opened)
        #expect(caller.actorID == actor && caller.subjectID != actor)
        let me = try await tenants.act { try $1.me(caller, on: $0) }
        #expect(me.json["actor"]?["username"] == "support" && me.json["user"]?["username"] == "north")
        try await tenants.tamper("update users set active = false where id = $1", actor)
        await Tenants.refuses(.forbidden, "account_deactivated") { try await tenants.enter(opened) }
        try await tenants.act { connection, business in
            try connection.run(.once("update users set active = true where id = $1"), actor)
            var changes = UserChanges()
            changes.isActive = false
            try business.users.edit(actor, changes, by: root, on: connection)
        }
        await Tenants.refuses(.unauthenticated, "session_revoked") { try await tenants.enter(opened) }
    }

    @Test func `a failed login of somebody who exists is in the audit log`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let business = tenants.business
        for name in ["north", "nobody"] {
            let candidate = try await tenants.database.run { try business.sessions.candidate(username: name, on: $0) }
            let error = try #require(await Tenants.refuses(.unauthenticated, "invalid_credentials") { try candidate.verify(Secret("wrong horse")) })
            try await tenants.act { try $1.sessions.noteFailure(candidate, error: error, from: Tenants.home, on: $0) }
        }
        #expect(
            try await tenants.count("select count(*) from audit_log where action = 'session.refuse' and metadata->>'code' = 'invalid_credentials'")
                == 1)
    }

    @Test func `me shows who, whose, and what is allowed`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let caller = try await tenants.caller("north")
        let json = try await tenants.act { try $1.me(caller, on: $0).json }
        #expect(json["user"]?["username"] == "north" && json["account"]?["id"] == .string(tenants.north.text("acct")))
        #expect(json["account"]?["balance"] == "0.00" && json["account"]?["parentId"] == nil)
        #expect(json["permissions"]?.array?.count == Permission.all(of: .reseller).count && json["session"]?["kind"] == "cookie")
        #expect(json["actor"] == nil)
    }

    private func processorTime() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    private func seen(_ session: OpenedSession, _ tenants: Tenants) async throws -> Instant {
        let id = session.session.id
        return try await tenants.act { connection, _ in
            try connection.run(.once("select last_seen_at from sessions where id = $1"), id).only()("last_seen_at")
        }
    }

    private func allow(_ ranges: [String], account: Identifier, by caller: Caller, _ tenants: Tenants) async throws {
        try await tenants.act { connection, business in
            var changes = AccountChanges()
            changes.allowedIPs = ranges
            try business.accounts.edit(account, changes, by: caller, on: connection)
        }
    }
}
