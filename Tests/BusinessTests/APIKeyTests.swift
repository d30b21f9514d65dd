import Business
import Bytes
import Clocks
import Crypto
import Postgres
import TestSupport
import Testing

@Suite(.database(.millrace))
struct APIKeyTests {
    @Test func `a key is shown once and stored as a hash`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let north = try await tenants.caller("north")
        let made = try await tenants.act { try $1.apiKeys.create(NewAPIKey(name: "script"), by: north, on: $0) }
        let text = made.secret.reveal
        #expect(text.hasPrefix("mr_live_") && text.utf8.count >= 8 + 43 && text.dropFirst(8).utf8.allSatisfy { $0 != UInt8(ascii: "_") })
        #expect(made.key.prefix == String(text.prefix(16)))
        let caller = try await tenants.enter(.apiKey(made.secret))
        #expect(caller.apiKeyID == made.key.id && caller.sessionID == nil && caller.permissions == north.permissions)
        // The key is nowhere: not in its row, not in the audit log, not in an event.
        for table in ["api_keys", "audit_log", "webhook_events"] {
            #expect(try await tenants.count("select count(*) from \(table) x where x::text like '%' || $1 || '%'", String(text.dropFirst(16))) == 0)
        }
        #expect(try await tenants.count("select count(*) from webhook_events where type = 'api_key.created'") == 1)
        try await tenants.act { try $1.apiKeys.delete(made.key.id, by: north, on: $0) }
        #expect(try await tenants.count("select count(*) from webhook_events where type = 'api_key.deleted'") == 1)
        await Tenants.refuses(.unauthenticated, "api_key_revoked") { try await tenants.enter(.apiKey(made.secret)) }
        await Tenants.refuses(.unauthenticated, "invalid_credentials") { try await tenants.enter(.apiKey(Secret(text + "x"))) }
        #expect(try await tenants.act { try $1.apiKeys.list(by: north, on: $0) }.isEmpty)
    }

    @Test func `five are the most, also for those who come at once`() async throws {
        let tenants = try await Tenants.open(lanes: 8)
        defer { tenants.close() }
        let north = try await tenants.caller("north")
        for index in 1...3 { try await tenants.act { _ = try $1.apiKeys.create(NewAPIKey(name: "\(index)"), by: north, on: $0) } }
        let made = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<8 {
                group.addTask {
                    do {
                        try await tenants.act { _ = try $1.apiKeys.create(NewAPIKey(name: "at once \(index)"), by: north, on: $0) }
                        return true
                    } catch let error as BusinessError where error.code == "too_many_api_keys" {
                        return false
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(made == 2)
        let keys = try await tenants.act { try $1.apiKeys.list(by: north, on: $0) }
        #expect(keys.count == 5)
        try await tenants.act { try $1.apiKeys.delete(keys[0].id, by: north, on: $0) }
        try await tenants.act { _ = try $1.apiKeys.create(NewAPIKey(name: "instead"), by: north, on: $0) }
    }

    @Test func `a key's rights are its list and what its user still has`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let (root, north) = try await (tenants.caller("root"), tenants.caller("north"))
        let key = try await tenants.act { try $1.apiKeys.create(NewAPIKey(name: "k", permissions: [.plansView, .plansPurchase]), by: north, on: $0) }
        #expect(try await tenants.enter(.apiKey(key.secret)).permissions == [.plansView, .plansPurchase])
        await Tenants.refuses(.forbidden, "exceeds_own_rights") {
            try await tenants.act { try $1.apiKeys.create(NewAPIKey(name: "k", permissions: [.queuesControl]), by: north, on: $0) }
        }
        let group = try await tenants.act { try $1.permissionGroups.create(name: "g", permissions: [.plansView, .usersView], by: root, on: $0) }
        try await tenants.act { connection, business in
            var changes = AccountChanges()
            changes.permissionGroupID = .set(group.id)
            try business.accounts.edit(tenants.north, changes, by: root, on: connection)
        }
        #expect(try await tenants.enter(.apiKey(key.secret)).permissions == [.plansView])
    }

    @Test func `a key ends by its expiry, its switch and its addresses, each with its own code`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let north = try await tenants.caller("north")
        let now = Instant.now
        let made = try await tenants.act { connection, business in
            var new = NewAPIKey(name: "k")
            new.allowedIPs = ["198.51.100.0/24"]
            new.expiresAt = now + .seconds(3600)
            return try business.apiKeys.create(new, by: north, on: connection)
        }
        let key = Credential.apiKey(made.secret)
        _ = try await tenants.enter(key)
        await Tenants.refuses(.forbidden, "address_not_allowed") { try await tenants.enter(key, from: Origin(ip: "203.0.113.1")) }
        await Tenants.refuses(.forbidden, "address_not_allowed") { try await tenants.enter(key, from: Origin()) }
        await Tenants.refuses(.unauthenticated, "api_key_expired") { try await tenants.enter(key, now: now + .seconds(3600)) }
        try await edit(made.key.id, by: north, tenants) { $0.isActive = false }
        await Tenants.refuses(.unauthenticated, "api_key_revoked") { try await tenants.enter(key) }
        let edited = try await edit(made.key.id, by: north, tenants) {
            $0.isActive = true
            $0.allowedIPs = []
            $0.expiresAt = .set(nil)
        }
        #expect(edited.allowedIPs.isEmpty && edited.expiresAt == nil)
        _ = try await tenants.enter(key, from: Origin(), now: now + .seconds(7200))
        await Tenants.refuses(.invalid, "invalid_expiry") { try await edit(made.key.id, by: north, tenants) { $0.expiresAt = .set(now) } }
        await Tenants.refuses(.invalid, "too_many_ip_ranges") {
            try await edit(made.key.id, by: north, tenants) { $0.allowedIPs = (0...50).map { "192.0.2.\($0)" } }
        }
    }

    @Test func `a dashboard's session opened with a key has the key's rights and ends with it`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let north = try await tenants.caller("north")
        let made = try await tenants.act {
            try $1.apiKeys.create(NewAPIKey(name: "k", permissions: [.plansView, .apiKeysEdit, .usersCreate]), by: north, on: $0)
        }
        let opened = try await tenants.act { try $1.sessions.open(apiKey: made.secret, from: Tenants.home, on: $0) }
        #expect(opened.session.kind == .key && opened.caller.permissions == [.plansView, .apiKeysEdit, .usersCreate])
        let caller = try await tenants.enter(opened)
        #expect(caller.permissions == opened.caller.permissions && caller.apiKeyID == made.key.id)
        // A key that leaked must not beget another, nor a password.
        await Tenants.refuses(.forbidden, "password_login_required") {
            try await tenants.act { try $1.apiKeys.create(NewAPIKey(name: "child"), by: caller, on: $0) }
        }
        let hash = try #require(Tenants.hash)
        await Tenants.refuses(.forbidden, "exceeds_own_rights") {
            try await tenants.act { try $1.users.create(NewUser(username: "child", password: hash), in: tenants.north, by: caller, on: $0) }
        }
        try await edit(made.key.id, by: north, tenants) { $0.isActive = false }
        await Tenants.refuses(.unauthenticated, "session_revoked") { try await tenants.enter(opened) }
        try await edit(made.key.id, by: north, tenants) { $0.isActive = true }
        let second = try await tenants.act { try $1.sessions.open(apiKey: made.secret, from: Tenants.home, on: $0) }
        try await tenants.tamper("update api_keys set expires_at = now() - interval '1 second'")
        await Tenants.refuses(.unauthenticated, "api_key_expired") { try await tenants.enter(second) }
        await Tenants.refuses(.unauthenticated, "api_key_expired") {
            try await tenants.act { try $1.sessions.open(apiKey: made.secret, from: Tenants.home, on: $0) }
        }
    }

    @Test func `another's key is not found, but by those who look after its user`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let (north, northEast, south) = try await (tenants.caller("north"), tenants.caller("north-east"), tenants.caller("south"))
        let made = try await tenants.act { try $1.apiKeys.create(NewAPIKey(name: "k"), by: northEast, on: $0) }
        for stranger in [south] {
            await Tenants.refuses(.notFound, "not_found") { try await tenants.act { try $1.apiKeys.get(made.key.id, by: stranger, on: $0) } }
            await Tenants.refuses(.notFound, "not_found") { try await edit(made.key.id, by: stranger, tenants) { $0.name = "mine" } }
            await Tenants.refuses(.notFound, "not_found") { try await tenants.act { try $1.apiKeys.delete(made.key.id, by: stranger, on: $0) } }
            let user = made.key.userID
            await Tenants.refuses(.notFound, "not_found") { try await tenants.act { try $1.apiKeys.list(of: user, by: stranger, on: $0) } }
        }
        #expect(try await tenants.act { try $1.apiKeys.list(of: made.key.userID, by: north, on: $0) }.map(\.id) == [made.key.id])
        try await tenants.act { try $1.apiKeys.delete(made.key.id, by: north, on: $0) }
        await Tenants.refuses(.unauthenticated, "api_key_revoked") { try await tenants.enter(.apiKey(made.secret)) }
    }

    @Test func `last use is written at most once a minute`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let north = try await tenants.caller("north")
        let made = try await tenants.act { try $1.apiKeys.create(NewAPIKey(name: "k"), by: north, on: $0) }
        let start = Instant.now
        for second in [0, 10, 59] { _ = try await tenants.enter(.apiKey(made.secret), now: start + .seconds(second)) }
        #expect(try await tenants.act { try $1.apiKeys.get(made.key.id, by: north, on: $0) }.lastUsedAt == start)
        _ = try await tenants.enter(.apiKey(made.secret), now: start + .seconds(60))
        #expect(try await tenants.act { try $1.apiKeys.get(made.key.id, by: north, on: $0) }.lastUsedAt == start + .seconds(60))
    }

    @discardableResult
    private func edit(
        _ key: Identifier, by caller: Caller, _ tenants: Tenants, _ change: @escaping @Sendable (inout APIKeyChanges) -> Void
    ) async throws -> APIKey {
        try await tenants.act { connection, business in
            var changes = APIKeyChanges()
            change(&changes)
            return try business.apiKeys.edit(key, changes, by: caller, on: connection)
        }
    }
}
