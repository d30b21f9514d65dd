import Business
import Bytes
import Clocks
import Crypto
import JSON
import Postgres
import TestSupport
import Testing

@Suite(.database(.millrace), .timeLimit(.minutes(2)))
struct PlanTests {
    private func shop() async throws -> Shop {
        let shop = try await Shop.open()
        try await shop.product(Shop.residential)
        return shop
    }

    private let one = PriceQuery.Purchase("residential", quantity: 1)

    @Test func `plans are found by status, product, reference, user name, group and end`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let (north, east) = (shop.reseller(shop.north), shop.reseller(shop.northEast))
        let waiting = try await shop.request(one, by: north, reference: "Berlin Office").plan
        let active = try await shop.plan(one, by: north)
        let below = try await shop.plan(one, by: east)
        func found(_ change: (inout PlanFilter) -> Void) async throws -> [Identifier] {
            var filter = PlanFilter()
            change(&filter)
            let wanted = filter
            return try await shop.act { try $1.plans.list(wanted, by: north, on: $0) }.items.map(\.id)
        }
        #expect(try await found { _ in } == [below.id, active.id, waiting.id])
        #expect(try await found { $0.statuses = [.pending] } == [waiting.id])
        #expect(try await found { $0.search = "berlin" } == [waiting.id])
        #expect(try await found { $0.search = active.username?.dropFirst(2).uppercased() } == [active.id])
        #expect(try await found { $0.search = "%" } == [])
        #expect(try await found { $0.accountID = below.accountID } == [below.id])
        #expect(try await found { $0.productCode = "datacenter" } == [])
        #expect(try await found { $0.expiringBefore = .now } == [])
        #expect(try await found { $0.expiringBefore = .now + .seconds(31 * 86_400) } == [below.id, active.id])
        let page = try await shop.act { try $1.plans.list(limit: 2, by: north, on: $0) }
        #expect(page.next == active.id)
        #expect(try await shop.act { try $1.plans.list(after: page.next, by: north, on: $0) }.items.map(\.id) == [waiting.id])
    }

    @Test func `reference, group and allowed addresses are edited, in their canonical form`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let north = shop.reseller(shop.north)
        let plan = try await shop.plan(one, by: north)
        let ranges = try AddressRange.list(["10.0.0.0/8", "192.0.2.7", "2001:DB8::/32", "192.0.2.7/32"])
        let edit = PlanEdit(customerReference: .set("c-1"), groupName: .set("retail"), allowedIPs: ranges)
        let edited = try await shop.act { try $1.plans.edit(plan.id, edit, by: north, on: $0) }
        #expect(edited.allowedIPs == ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"])
        #expect(edited.customerReference == "c-1")
        let cleared = try await shop.act { try $1.plans.edit(plan.id, PlanEdit(groupName: .set(nil)), by: north, on: $0) }
        #expect(cleared.groupName == nil)
        #expect(cleared.customerReference == "c-1")
        #expect(cleared.allowedIPs == edited.allowedIPs)
        await refused(.invalid, "invalid_text") {
            try await shop.act { try $1.plans.edit(plan.id, PlanEdit(customerReference: .set("a\u{7}")), by: north, on: $0) }
        }
        #expect(try await shop.count("select count(*) from audit_log where action = 'plan.edited'") == 2)
    }

    @Test func `credentials need their permission, and the audit log knows who saw them`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let (north, staff) = (shop.reseller(shop.north), shop.staff)
        let plan = try await shop.plan(one, by: north)
        var analyst = staff
        analyst.permissions = Permission.all(of: .analyst)
        let reader = analyst
        await refused(.forbidden, "permission_denied") { try await shop.act { try $1.plans.credentials(plan.id, by: reader, on: $0) } }
        let password = try await shop.act { try $1.plans.credentials(plan.id, by: north, on: $0).password.reveal }
        #expect(password.count >= 20)
        #expect(try await shop.count("select count(*) from audit_log where action = 'plan.credentials_viewed'") == 1)

        let full = try await shop.act { try $1.plans.connectionInfo(plan.id, by: north, on: $0).json.text }
        #expect(full.contains(password))
        let masked = try await shop.act { try $1.plans.connectionInfo(plan.id, by: reader, on: $0) }
        #expect(!masked.json.text.contains(password))
        #expect(masked.httpURL == "http://\(plan.username ?? ""):PASSWORD@127.0.0.1:7777")
        #expect(masked.socksURL == "socks5h://\(plan.username ?? ""):PASSWORD@127.0.0.1:1080")
        #expect(try await shop.count("select count(*) from audit_log where action = 'plan.credentials_viewed'") == 2)
    }

    @Test func `a password from elsewhere is percent-coded wherever a URL is made of it`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        try await shop.upstreamProduct()
        let north = shop.reseller(shop.north)
        let request = try await shop.request(PriceQuery.Purchase("elsewhere", quantity: 1), by: north)
        let payload = try await shop.payload(request)
        let upstream = UpstreamDelivery(
            reference: "up-1",
            credentials: PlanCredentials(username: "a@b", password: Secret("p'\"$@:/ w"), host: "2001:db8::1", httpPort: 8000, socksPort: nil))
        _ = try await shop.act { try $1.plans.completeOrder(payload, upstream, job: request.jobID, on: $0) }
        let info = try await shop.act { try $1.plans.connectionInfo(payload.planID, by: north, on: $0) }
        #expect(info.httpURL == "http://a%40b:p%27%22%24%40%3A%2F%20w@[2001:db8::1]:8000")
        #expect(info.socksURL == nil)
        #expect(info.json["examples"]?["curl"]?.string == "curl -x 'http://a%40b:p%27%22%24%40%3A%2F%20w@[2001:db8::1]:8000' https://example.com/")
    }

    @Test func `a password copied to another plan does not open`() async throws {
        let shop = try await shop()
        defer { shop.close() }
        let north = shop.reseller(shop.north)
        let (one, two) = (try await shop.plan(one, by: north), try await shop.plan(one, by: north))
        try await shop.act { connection, _ in
            _ = try connection.run(.once("update plans set password = (select password from plans where id = $1) where id = $2"), one.id, two.id)
        }
        await #expect(throws: CryptoError.self) { try await shop.act { try $1.plans.credentials(two.id, by: north, on: $0).username } }
    }
}
