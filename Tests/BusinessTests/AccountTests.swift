import Business
import Bytes
import Postgres
import TestSupport
import Testing

@Suite(.database(.millrace))
struct AccountTests {
    @Test func `a reseller makes accounts anywhere in its subtree, with wallet and first user`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let north = try await tenants.caller("north")
        let deep = try await tenants.grow(.customer, "deep", below: tenants.northEast, by: north)
        let account = try await tenants.act { try $1.accounts.get(deep, by: north, on: $0) }
        #expect(account.parentID == tenants.northEast && account.currency == "USD" && account.userCount == 1 && account.depth == 2)
        #expect(try await tenants.count("select count(*) from wallets where account_id = $1 and currency = 'USD'", deep) == 1)
        #expect(try await tenants.count("select count(*) from audit_log where resource_id = $1 and action = 'account.create'", deep) == 1)
        #expect(try await tenants.caller("deep").accountID == deep)
    }

    @Test func `a currency can be given, and must look like one`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let north = try await tenants.caller("north")
        let account = try await tenants.act { try $1.accounts.create(NewAccount(.customer, name: "euro", currency: "EUR"), by: north, on: $0) }
        #expect(account.currency == "EUR" && account.parentID == tenants.north)
        await Tenants.refuses(.invalid, "invalid_currency") {
            try await tenants.act { try $1.accounts.create(NewAccount(.customer, name: "x", currency: "usd"), by: north, on: $0) }
        }
    }

    @Test func `another tenant's account is not found, whatever is asked of it`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let (north, northEast) = try await (tenants.caller("north"), tenants.caller("north-east"))
        for (stranger, caller) in [(tenants.south, north), (tenants.root, north), (tenants.north, northEast), (Identifier.next(), north)] {
            await Tenants.refuses(.notFound, "not_found") { try await tenants.act { try $1.accounts.get(stranger, by: caller, on: $0) } }
            await Tenants.refuses(.notFound, "not_found") {
                try await tenants.act { try $1.accounts.edit(stranger, AccountChanges(), by: caller, on: $0) }
            }
            await Tenants.refuses(.notFound, "not_found") { try await tenants.act { try $1.accounts.delete(stranger, by: caller, on: $0) } }
            await Tenants.refuses(.notFound, "not_found") {
                try await tenants.act { try $1.accounts.create(NewAccount(.customer, name: "x", parent: stranger), by: caller, on: $0) }
            }
        }
    }

    @Test func `customers and partners have nobody below, and the operator is one`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let root = try await tenants.caller("root")
        let customer = try await tenants.grow(.customer, "customer", below: tenants.north, by: root)
        await Tenants.refuses(.invalid, "invalid_parent") { try await tenants.grow(.customer, "x", below: customer, by: root) }
        await Tenants.refuses(.invalid, "invalid_account_type") { try await tenants.grow(.operator, "x", below: tenants.root, by: root) }
        await Tenants.refuses(.forbidden, "permission_denied") {
            try await tenants.grow(.customer, "x", below: customer, by: tenants.caller("customer"))
        }
        let hash = try #require(Tenants.hash)
        let second = try await tenants.act {
            try $1.accounts.bootstrapOperator(name: "again", currency: "USD", username: "root2", password: hash, on: $0)
        }
        #expect(second == nil)
        #expect(try await tenants.count("select count(*) from users where username = 'root2'") == 0)
    }

    @Test func `an account whose first user cannot be made is not made`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let north = try await tenants.caller("north")
        let hash = try #require(Tenants.hash)
        let error = await Tenants.refuses(.conflict, "username_taken") {
            try await tenants.act { connection, business in
                let user = NewUser(username: "SOUTH", password: hash)
                return try business.accounts.create(NewAccount(.customer, name: "twin", firstUser: user), by: north, on: connection)
            }
        }
        #expect(error?.field == "/firstUser/username")
        #expect(try await tenants.count("select count(*) from accounts where name = 'twin'") == 0)
    }

    @Test(arguments: [
        ("name", "invalid_name"), ("email", "invalid_email"), ("phone", "invalid_phone"), ("ips", "invalid_ip_range"),
    ])
    func `a field that makes no sense is refused with its code`(field: String, code: String) async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let north = try await tenants.caller("north")
        await Tenants.refuses(.invalid, code) {
            try await tenants.act { connection, business in
                var new = NewAccount(.customer, name: field == "name" ? " \u{7} " : "fine")
                if field == "email" { new.email = "a@b" }
                if field == "phone" { new.phone = "call me" }
                if field == "ips" { new.allowedIPs = ["10.0.0.1/8"] }
                return try business.accounts.create(new, by: north, on: connection)
            }
        }
    }

    @Test func `the list shows the subtree alone, page by page, with its counts`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let (root, north) = try await (tenants.caller("root"), tenants.caller("north"))
        for index in 1...5 { try await tenants.grow(.customer, "c_\(index)", below: tenants.northEast, by: north) }
        var names: [String] = []
        var cursor: Identifier?
        repeat {
            let after = cursor
            let page = try await tenants.act { try $1.accounts.list(after: after, limit: 2, by: north, on: $0) }
            #expect(page.items.count <= 2)
            names += page.items.map(\.name)
            cursor = page.next
        } while cursor != nil
        #expect(names == ["c_5", "c_4", "c_3", "c_2", "c_1", "north-east"])
        #expect(try await list(root, tenants).count == 8)
        #expect(try await list(tenants.caller("south"), tenants).isEmpty)
        #expect(try await list(north, tenants) { $0.search = "C_3" }.map(\.name) == ["c_3"])
        #expect(try await list(north, tenants) { $0.search = "%" }.isEmpty)
        #expect(try await list(north, tenants) { $0.search = "c\0_" }.count == 5)
        #expect(try await list(north, tenants) { $0.type = .reseller }.map(\.childCount) == [5])
        #expect(try await list(root, tenants) { $0.parentID = tenants.root }.map(\.name) == ["south", "north"])
        #expect(try await list(north, tenants) { $0.parentID = tenants.south }.isEmpty)
    }

    @Test func `who may create or edit but not view is answered all the same`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let north = try await tenants.caller("north")
        let key = try await tenants.act {
            try $1.apiKeys.create(NewAPIKey(name: "k", permissions: [.resellersCreate, .resellersEdit, .accountEdit]), by: north, on: $0)
        }
        let narrow = try await tenants.enter(.apiKey(key.secret))
        let made = try await tenants.grow(.customer, "made", below: tenants.north, by: narrow)
        #expect(try await tenants.act { try $1.accounts.edit(made, AccountChanges(), by: narrow, on: $0) }.name == "made")
        await Tenants.refuses(.forbidden, "permission_denied") { try await tenants.act { try $1.accounts.get(made, by: narrow, on: $0) } }
        await Tenants.refuses(.forbidden, "permission_denied") { try await tenants.act { try $1.accounts.list(by: narrow, on: $0) } }
    }

    @Test func `an account edits its contact and not its place`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let north = try await tenants.caller("north")
        let edited = try await tenants.act { connection, business in
            var changes = AccountChanges()
            changes.name = " North Ltd "
            changes.email = .set("office@example.com")
            changes.allowedIPs = ["198.51.100.0/24", "2001:db8::/32"]
            return try business.accounts.edit(tenants.north, changes, by: north, on: connection)
        }
        #expect(edited.name == "North Ltd" && edited.email == "office@example.com" && edited.allowedIPs == ["198.51.100.0/24", "2001:db8::/32"])
        #expect(
            try await tenants.count(
                "select count(*) from audit_log where action = 'account.edit' and before->>'name' = 'north' and after->>'email' = 'office@example.com'"
            )
                == 1)
        await Tenants.refuses(.forbidden, "own_account") {
            try await tenants.act { connection, business in
                var changes = AccountChanges()
                changes.isActive = false
                return try business.accounts.edit(tenants.north, changes, by: north, on: connection)
            }
        }
        await Tenants.refuses(.forbidden, "own_account") { try await tenants.act { try $1.accounts.delete(tenants.north, by: north, on: $0) } }
    }

    @Test func `an account with money, plans or children is not deleted; without them it is archived`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let root = try await tenants.caller("root")
        await Tenants.refuses(.conflict, "account_has_children") { try await tenants.act { try $1.accounts.delete(tenants.north, by: root, on: $0) } }
        let session = try await tenants.login("south")
        try await tenants.tamper("update wallets set balance = 0.000001 where account_id = $1", tenants.south)
        await Tenants.refuses(.conflict, "account_has_balance") { try await tenants.act { try $1.accounts.delete(tenants.south, by: root, on: $0) } }
        try await tenants.tamper("update wallets set balance = 0 where account_id = $1", tenants.south)
        try await plan("suspended", tenants)
        await Tenants.refuses(.conflict, "account_has_plans") { try await tenants.act { try $1.accounts.delete(tenants.south, by: root, on: $0) } }
        try await tenants.tamper("update plans set status = 'expired'")
        let manager = try await tenants.hire("manager", .manager)
        await Tenants.refuses(.forbidden, "permission_denied") {
            try await tenants.act { try $1.accounts.delete(tenants.south, by: manager, on: $0) }
        }
        try await tenants.act { try $1.accounts.delete(tenants.south, by: root, on: $0) }
        await Tenants.refuses(.notFound, "not_found") { try await tenants.act { try $1.accounts.get(tenants.south, by: root, on: $0) } }
        await Tenants.refuses(.notFound, "not_found") { try await tenants.grow(.customer, "late", below: tenants.south, by: root) }
        await Tenants.refuses(.unauthenticated, "session_revoked") { try await tenants.enter(session) }
        await Tenants.refuses(.forbidden, "account_deactivated") { try await tenants.login("south") }
        #expect(try await tenants.count("select count(*) from accounts where id = $1", tenants.south) == 1)
    }

    @Test func `a child that is born while its parent is deleted lives, or is refused, and never hangs below a deleted account`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let root = try await tenants.caller("root")
        for round in 0..<10 {
            let parent = try await tenants.grow(.reseller, "parent-\(round)", below: tenants.root, by: root)
            async let born: Identifier? = try? tenants.grow(.customer, "child-\(round)", below: parent, by: root)
            async let deleted: Void? = try? tenants.act { try $1.accounts.delete(parent, by: root, on: $0) }
            let outcome = await (child: born, gone: deleted)
            #expect((outcome.child == nil) != (outcome.gone == nil), "round \(round)")
        }
    }

    private func list(
        _ caller: Caller, _ tenants: Tenants, _ narrow: @Sendable (inout Accounts.Filter) -> Void = { _ in }
    ) async throws -> [Account] {
        var filter = Accounts.Filter()
        narrow(&filter)
        let narrowed = filter
        return try await tenants.act { try $1.accounts.list(narrowed, by: caller, on: $0) }.items
    }

    private func plan(_ status: String, _ tenants: Tenants) async throws {
        try await tenants.act { connection, _ in
            try connection.run(.once("insert into providers (id, name, driver) values ($1, 'upstream', 'native')"), tenants.root)
            try connection.run(
                .once(
                    "insert into products (id, code, name, family, provider_id, currency, pricing) values ($1, 'p1', 'p', 'proxy', $1, 'USD', '{}')"),
                tenants.root)
            try connection.run(
                .once(
                    """
                    insert into plans (id, account_id, product_id, provider_id, status, quantity, price, currency) values ($1, $2, $3, $3, $4, 1, 1, 'USD')
                    """), Identifier.next(), tenants.south, tenants.root, status)
        }
    }
}
