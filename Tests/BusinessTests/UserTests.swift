import Business
import Bytes
import Crypto
import Postgres
import TestSupport
import Testing

struct PasswordRuleTests {
    @Test(arguments: ["short", "aaaaaaaaaaaa", "nul\0nul\0nul", String(repeating: "ab", count: 513)])
    func `a weak or impossible password is refused`(password: String) {
        let error = #expect(throws: BusinessError.self) { try PasswordHash(Secret(password), cost: 4) }
        #expect(error?.code == "weak_password")
    }
}

@Suite(.database(.millrace))
struct UserTests {
    @Test func `a role belongs to its account's type`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let root = try await tenants.caller("root")
        for (account, role) in [(tenants.north, Role.superAdmin), (tenants.north, .customer), (tenants.root, .reseller), (tenants.root, nil)] {
            await Tenants.refuses(.invalid, "role_mismatch") { try await create("xx", role, in: account, by: root, tenants) }
        }
        #expect(try await create("second", nil, in: tenants.north, by: root, tenants).role == .reseller)
    }

    @Test(arguments: ["", "a", "-a", "anna maria", "änne", "a\u{0}b", String(repeating: "a", count: 101)])
    func `a user name that is none is refused`(name: String) async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let root = try await tenants.caller("root")
        await Tenants.refuses(.invalid, "invalid_username") { try await create(name, nil, in: tenants.north, by: root, tenants) }
    }

    @Test func `of two who take a user name at once one gets it`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let root = try await tenants.caller("root")
        let made = try await withThrowingTaskGroup(of: Bool.self) { group in
            for account in [tenants.north, tenants.south, tenants.northEast, tenants.north] {
                group.addTask {
                    do {
                        _ = try await self.create("Wanted", nil, in: account, by: root, tenants)
                        return true
                    } catch let error as BusinessError where error.code == "username_taken" {
                        return false
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(made == 1)
        _ = try await tenants.login(" WANTED ")
    }

    @Test func `a manager does not make, change or take over a super admin`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let manager = try await tenants.hire("manager", .manager)
        let boss = try #require(try await tenants.caller("root").subjectID)
        let hash = try #require(Tenants.hash)
        await Tenants.refuses(.forbidden, "exceeds_own_rights") { try await create("xx", .superAdmin, in: tenants.root, by: manager, tenants) }
        await Tenants.refuses(.forbidden, "exceeds_own_rights") { try await edit(boss, by: manager, tenants) { $0.email = .set("me@example.com") } }
        await Tenants.refuses(.forbidden, "exceeds_own_rights") { try await edit(boss, by: manager, tenants) { $0.isActive = false } }
        await Tenants.refuses(.forbidden, "exceeds_own_rights") {
            try await tenants.act { try $1.users.resetPassword(of: boss, to: hash, by: manager, on: $0) }
        }
        let support = try await create("helper", .support, in: tenants.root, by: manager, tenants)
        await Tenants.refuses(.forbidden, "exceeds_own_rights") { try await edit(support.id, by: manager, tenants) { $0.role = .superAdmin } }
        #expect(try await edit(support.id, by: manager, tenants) { $0.role = .analyst }.role == .analyst)
        await Tenants.refuses(.forbidden, "permission_denied") {
            try await create("yy", .analyst, in: tenants.root, by: tenants.caller("helper"), tenants)
        }
    }

    @Test func `nobody switches themselves off or up`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let manager = try await tenants.hire("manager", .manager)
        let own = try #require(manager.subjectID)
        await Tenants.refuses(.forbidden, "own_user") { try await edit(own, by: manager, tenants) { $0.isActive = false } }
        await Tenants.refuses(.forbidden, "own_user") { try await edit(own, by: manager, tenants) { $0.role = .superAdmin } }
        let edited = try await edit(own, by: manager, tenants) { $0.name = "Anna" }
        #expect(edited.name == "Anna")
    }

    @Test func `two super admins who deactivate each other at once leave one`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let (one, two) = try await (tenants.caller("root"), tenants.hire("second", .superAdmin))
        let (first, second) = (try #require(one.subjectID), try #require(two.subjectID))
        async let a: User? = try? edit(second, by: one, tenants) { $0.isActive = false }
        async let b: User? = try? edit(first, by: two, tenants) { $0.role = .manager }
        let outcome = await (a, b)
        #expect((outcome.0 == nil) != (outcome.1 == nil))
        #expect(try await tenants.count("select count(*) from users where role = 'super_admin' and active") == 1)
    }

    @Test func `another tenant's user is not found`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let (north, south) = try await (tenants.caller("north"), tenants.caller("south"))
        let stranger = try #require(south.subjectID)
        let hash = try #require(Tenants.hash)
        await Tenants.refuses(.notFound, "not_found") { try await tenants.act { try $1.users.get(stranger, by: north, on: $0) } }
        await Tenants.refuses(.notFound, "not_found") { try await edit(stranger, by: north, tenants) { $0.name = "mine" } }
        await Tenants.refuses(.notFound, "not_found") {
            try await tenants.act { try $1.users.resetPassword(of: stranger, to: hash, by: north, on: $0) }
        }
        await Tenants.refuses(.notFound, "not_found") { try await create("xx", nil, in: tenants.south, by: north, tenants) }
        let names = try await tenants.act { try $1.users.list(by: north, on: $0) }.items.map(\.username)
        #expect(names == ["north-east", "north"])
        #expect(try await tenants.act { try $1.users.list(account: tenants.south, by: north, on: $0) }.items.isEmpty)
    }

    @Test func `a reset password works at once, and ends what was open`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let root = try await tenants.caller("root")
        let session = try await tenants.login("north")
        let user = session.session.userID
        let new = Secret("another horse")
        let hash = try tenants.business.hash(password: new)
        try await tenants.act { try $1.users.resetPassword(of: user, to: hash, by: root, on: $0) }
        await Tenants.refuses(.unauthenticated, "session_revoked") { try await tenants.enter(session) }
        await Tenants.refuses(.unauthenticated, "invalid_credentials") { try await tenants.login("north") }
        _ = try await tenants.login("north", new)
        #expect(try await tenants.count("select count(*) from audit_log where action = 'user.reset_password' and resource_id = $1", user) == 1)
    }

    @Test func `one's own password takes the current one, and keeps the session that asks`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let (mine, other) = try await (tenants.login("north"), tenants.login("north"))
        let caller = try await tenants.enter(mine)
        let business = tenants.business
        let candidate = try await tenants.database.run { try business.sessions.candidate(self: caller, on: $0) }
        await Tenants.refuses(.unauthenticated, "invalid_credentials") { try candidate.verify(Secret("guess guess")) }
        let verified = try candidate.verify(Tenants.password)
        let hash = try business.hash(password: Secret("another horse"))
        try await tenants.act { try $1.users.changePassword(verified, to: hash, by: caller, on: $0) }
        _ = try await tenants.enter(mine)
        await Tenants.refuses(.unauthenticated, "session_revoked") { try await tenants.enter(other) }
        // What was verified before the change is worth nothing after it.
        await Tenants.refuses(.unauthenticated, "invalid_credentials") {
            try await tenants.act { try $1.users.changePassword(verified, to: hash, by: caller, on: $0) }
        }
        await Tenants.refuses(.unauthenticated, "invalid_credentials") {
            try await tenants.act { try $1.sessions.open(verified, kind: .cookie, from: Tenants.home, on: $0) }
        }
    }

    private func create(_ name: String, _ role: Role?, in account: Identifier, by caller: Caller, _ tenants: Tenants) async throws -> User {
        let hash = try #require(Tenants.hash)
        return try await tenants.act { try $1.users.create(NewUser(username: name, password: hash, role: role), in: account, by: caller, on: $0) }
    }

    @discardableResult
    private func edit(
        _ user: Identifier, by caller: Caller, _ tenants: Tenants, _ change: @escaping @Sendable (inout UserChanges) -> Void
    ) async throws -> User {
        try await tenants.act { connection, business in
            var changes = UserChanges()
            change(&changes)
            return try business.users.edit(user, changes, by: caller, on: connection)
        }
    }
}
