import Business
import Bytes
import Clocks
import Crypto
import Engine
import Postgres
import TestSupport
import Testing

/// Accounts with a user each, to test who may come in and what they may do, in the database of the running test.
///
///     operator ─┬─ north ─── north-east     (resellers; each has a user of the same name)
///               └─ south                    (a stranger to them)
struct Tenants: Sendable {
    let database: Database
    let business: Business
    let root: Identifier
    let north: Identifier
    let northEast: Identifier
    let south: Identifier

    static let password = Secret("correct horse")
    /// bcrypt at its lowest cost, and once for all tests.
    static let hash = try? PasswordHash(password, cost: 4)
    static let home = Origin(ip: "198.51.100.7", userAgent: "tests")

    static func open(lanes: Int = 4, rules change: (inout Rules) -> Void = { _ in }) async throws -> Tenants {
        var rules = Rules()
        rules.passwordCost = 4
        change(&rules)
        let database = Database(try TestDatabase.current.settings, lanes: lanes, name: "tenants")
        let business = Business(
            ledger: Ledger(catalog: try Catalog.embedded()), keys: try EncryptionKeys([1: EncryptionKeys.makeKey()]), rules: rules)
        let hash = try #require(hash)
        let ids = try await database.transaction { connection in
            let root = try business.accounts.bootstrapOperator(
                name: "Millrace", currency: "USD", username: "root", password: hash, on: connection)
            let staff = Caller(accountID: try #require(root), role: .superAdmin, permissions: Permission.all(of: .superAdmin))
            var ids = [staff.accountID]
            for (name, above) in [("north", 0), ("north-east", 1), ("south", 0)] {
                let account = NewAccount(
                    .reseller, name: name, parent: ids[above], firstUser: NewUser(username: name, password: hash))
                ids.append(try business.accounts.create(account, by: staff, on: connection).id)
            }
            return ids
        }
        return Tenants(database: database, business: business, root: ids[0], north: ids[1], northEast: ids[2], south: ids[3])
    }

    func close() { database.stop() }

    /// Runs the body in a transaction of its own.
    @discardableResult
    func act<R: Sendable>(_ body: @escaping @Sendable (Connection, Business) throws -> R) async throws -> R {
        let business = business
        return try await database.transaction { try body($0, business) }
    }

    /// Logs in as the API does, in three steps.
    func login(
        _ username: String, _ password: Secret<String> = password, kind: SessionKind = .cookie, from origin: Origin = home, now: Instant = .now
    ) async throws -> OpenedSession {
        let business = business
        let candidate = try await database.run { try business.sessions.candidate(username: username, on: $0) }
        let verified = try candidate.verify(password)
        return try await act { try $1.sessions.open(verified, kind: kind, from: origin, on: $0, now: now) }
    }

    /// The caller whom a fresh login of this user gives, as a request with its cookie finds them.
    func caller(_ username: String) async throws -> Caller { try await enter(login(username)) }

    func enter(_ session: OpenedSession, from origin: Origin = home, now: Instant = .now) async throws -> Caller {
        let cookie = try #require(session.cookie)
        return try await enter(.cookie(cookie), from: origin, now: now)
    }

    func enter(_ credential: Credential, from origin: Origin = home, now: Instant = .now) async throws -> Caller {
        let business = business
        return try await database.run { try business.authenticate(credential, from: origin, on: $0, now: now) }
    }

    /// Creates an account with a user of the same name.
    @discardableResult
    func grow(_ type: AccountType, _ name: String, below parent: Identifier, by caller: Caller, group: Identifier? = nil) async throws -> Identifier {
        let hash = try #require(Self.hash)
        return try await act { connection, business in
            var account = NewAccount(type, name: name, parent: parent, firstUser: NewUser(username: name, password: hash))
            account.permissionGroupID = group
            return try business.accounts.create(account, by: caller, on: connection).id
        }
    }

    /// Gives a user of the operator's staff a role.
    func hire(_ username: String, _ role: Role) async throws -> Caller {
        let hash = try #require(Self.hash)
        let boss = try await caller("root")
        let root = root
        try await act { try $1.users.create(NewUser(username: username, password: hash, role: role), in: root, by: boss, on: $0) }
        return try await caller(username)
    }

    func setActive(_ account: Identifier, _ active: Bool) async throws {
        let boss = try await caller("root")
        try await act { connection, business in
            var changes = AccountChanges()
            changes.isActive = active
            try business.accounts.edit(account, changes, by: boss, on: connection)
        }
    }

    func count(_ sql: String, _ binds: (any PostgresEncodable & Sendable)...) async throws -> Int {
        try await act { connection, _ in try connection.run(.once(sql), binds: binds).only()(0) }
    }

    /// What no part of the rules does: changes a row behind their back.
    func tamper(_ sql: String, _ binds: (any PostgresEncodable & Sendable)...) async throws {
        try await act { connection, _ in _ = try connection.run(.once(sql), binds: binds) }
    }

    /// Expects a refusal with this kind and code.
    @discardableResult
    static func refuses<R>(
        _ kind: BusinessError.Kind, _ code: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> R
    ) async -> BusinessError? {
        do {
            _ = try await body()
            Issue.record("nothing was refused, expected \(code)", sourceLocation: sourceLocation)
        } catch let error as BusinessError {
            #expect(error.code == code && error.kind == kind, "\(error.kind) \(error.code)", sourceLocation: sourceLocation)
            return error
        } catch {
            Issue.record("expected \(code), got \(error)", sourceLocation: sourceLocation)
        }
        return nil
    }
}
