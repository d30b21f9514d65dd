import Business
import Bytes
import Clocks
import Crypto
import Postgres
import TestSupport
import Testing

@Suite(.database(.millrace))
struct DeactivationTests {
    @Test func `deactivating an account shuts out everybody below it: sessions, tokens, keys, logins`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let cookie = try await tenants.login("north-east")
        let caller = try await tenants.enter(cookie)
        let key = try await tenants.act { try $1.apiKeys.create(NewAPIKey(name: "k"), by: caller, on: $0) }
        _ = try await tenants.enter(.apiKey(key.secret))
        try await tenants.setActive(tenants.north, false)
        await Tenants.refuses(.unauthenticated, "session_revoked") { try await tenants.enter(cookie) }
        await Tenants.refuses(.forbidden, "account_deactivated") { try await tenants.enter(.apiKey(key.secret)) }
        await Tenants.refuses(.forbidden, "account_deactivated") { try await tenants.login("north-east") }
        await Tenants.refuses(.forbidden, "account_deactivated") {
            try await tenants.act { try $1.sessions.open(apiKey: key.secret, from: Tenants.home, on: $0) }
        }
        _ = try await tenants.caller("south")
        // Active again: the key works, and no old session wakes.
        try await tenants.setActive(tenants.north, true)
        _ = try await tenants.enter(.apiKey(key.secret))
        await Tenants.refuses(.unauthenticated, "session_revoked") { try await tenants.enter(cookie) }
        _ = try await tenants.login("north-east")
    }

    @Test func `a wrong password does not tell that the account is deactivated`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        try await tenants.setActive(tenants.north, false)
        await Tenants.refuses(.unauthenticated, "invalid_credentials") { try await tenants.login("north", Secret("wrong horse")) }
        await Tenants.refuses(.unauthenticated, "invalid_credentials") { try await tenants.login("nobody") }
        await Tenants.refuses(.unauthenticated, "invalid_credentials") { try await tenants.login("no\0body") }
    }

    @Test func `a deactivated user is out, and activated again needs a new login`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let root = try await tenants.caller("root")
        let session = try await tenants.login("north")
        let caller = try await tenants.enter(session)
        let key = try await tenants.act { try $1.apiKeys.create(NewAPIKey(name: "k"), by: caller, on: $0) }
        let user = try #require(caller.subjectID)
        try await setActive(user, false, by: root, tenants)
        await Tenants.refuses(.unauthenticated, "session_revoked") { try await tenants.enter(session) }
        await Tenants.refuses(.forbidden, "account_deactivated") { try await tenants.enter(.apiKey(key.secret)) }
        await Tenants.refuses(.forbidden, "account_deactivated") { try await tenants.login("north") }
        try await setActive(user, true, by: root, tenants)
        await Tenants.refuses(.unauthenticated, "session_revoked") { try await tenants.enter(session) }
        _ = try await tenants.login("north")
    }

    @Test func `a deactivation waits for a login that is under way, and revokes its session`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let (business, root) = (tenants.business, try await tenants.caller("root"))
        let candidate = try await tenants.database.run { try business.sessions.candidate(username: "north-east", on: $0) }
        let verified = try candidate.verify(Tenants.password)
        let (login, deactivation, watcher) = try (
            TestDatabase.current.connect(), TestDatabase.current.connect(), TestDatabase.current.connect()
        )
        try login.script("begin")
        let opened = try business.sessions.open(verified, kind: .cookie, from: Tenants.home, on: login)
        let waiter = deactivation.backendProcessID
        nonisolated(unsafe) let blocked = deactivation
        async let done = offPool {
            Swift.Result {
                try blocked.transaction { connection in
                    var changes = AccountChanges()
                    changes.isActive = false
                    try business.accounts.edit(tenants.north, changes, by: root, on: connection)
                }
            }
        }
        try await eventually("the deactivation waits") {
            try watcher.run(.once("select wait_event_type = 'Lock' as waits from pg_stat_activity where pid = $1"), waiter).only()("waits") ?? false
        }
        try login.script("commit")
        _ = try await done.get()
        await Tenants.refuses(.unauthenticated, "session_revoked") { try await tenants.enter(opened) }
    }

    private func setActive(_ user: Identifier, _ active: Bool, by caller: Caller, _ tenants: Tenants) async throws {
        try await tenants.act { connection, business in
            var changes = UserChanges()
            changes.isActive = active
            try business.users.edit(user, changes, by: caller, on: connection)
        }
    }
}
