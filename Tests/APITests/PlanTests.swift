import Bytes
import JSON
import Postgres
import TestSupport
import Testing

@testable import API

/// The way of a purchase, as a reseller's program goes it.
@Suite(.database(.millrace)) struct PlanTests {
    @Test func `a purchase: price check, 202 with a job, a plan with credentials`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let check = try await north.post("/plans/check-price", ["product": "residential", "quantity": 10, "options": ["country": "DE"]])
            #expect(check.status == 200)
            #expect(check["price"] == "14.00")
            let bought = try await north.with("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").post(
                "/plans", ["priceCheckId": check["id"].orThrow(), "customerReference": "shop-1", "group": "germany"])
            #expect(bought.status == 202)
            let job = try #require(bought["job"]?["id"]?.string)
            #expect(bought.header("Location") == "/api/v1/jobs/" + job)
            #expect(bought["plan"]?["status"] == "pending")
            #expect(try await north.get("/balance")["held"] == "14.00")
            #expect(try await north.get("/jobs/" + job)["state"] == "queued")
            let trace: String = try await rig.act { connection, _ in try connection.run(.once("select trace from jobs")).only()("trace") }
            #expect(trace.hasPrefix("00-4bf92f3577b34da6a3ce929d0e0e4736-"))

            let plan = "/plans/" + (try #require(bought["plan"]?["id"]?.string))
            #expect(try await north.get(plan + "/credentials").code == "no_credentials")
            try await rig.deliver(job)
            #expect(try await north.get(plan)["status"] == "active")
            let credentials = try await north.get(plan + "/credentials")
            #expect(credentials["password"]?.string?.isEmpty == false)
            let info = try await north.get("/proxies/connection-info?planId=" + plan.dropFirst("/plans/".count))
            #expect(info["http"]?.string?.contains(try #require(credentials["username"]?.string)) == true)
            #expect(info["examples"]?["curl"] != nil)
            let balance = try await north.get("/balance")
            #expect(balance["balance"] == "86.00")
            #expect(balance["held"] == "0.00")
            let entries = try await north.get("/balance/transactions?type=purchase&totals=true")
            #expect(entries["data"]?[0]?["amount"] == "-14.00")
            #expect(entries["totals"]?[0]?["debits"] == "14.00")
            let audit = try await north.get("/audit-log?action=plan")
            #expect(audit["data"]?.array?.contains { $0["action"] == "plan.credentials_viewed" } == true)
        }
    }

    @Test func `an extension has its own price check, and only of its own plan`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let (first, second) = (try await north.plan(), try await north.plan())
            let check = try await north.post("/plans/\(first)/extend/check-price", ["quantity": 5])
            #expect(check["purpose"] == "extension")
            #expect(check["price"] == "7.00")
            let same = try await north.post("/plans/check-price", ["planId": .string(first), "quantity": 5])
            #expect(same["price"] == "7.00")
            let other = try await north.post("/plans/\(second)/extend", ["priceCheckId": check["id"].orThrow()])
            #expect(other.code == "price_check_plan")
            let wrong = try await north.post("/plans", ["priceCheckId": check["id"].orThrow()])
            #expect(wrong.code == "price_check_purpose")
            let extended = try await north.post("/plans/\(first)/extend", ["priceCheckId": check["id"].orThrow()])
            #expect(extended.status == 202)
            #expect(extended["job"]?["kind"] == "plan.extend")
            #expect(try await north.post("/plans/\(first)/cancel").code == "extension_pending")
        }
    }

    @Test func `what the balance does not cover is refused, and nothing has happened`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let check = try await north.post("/plans/check-price", ["product": "residential", "quantity": 500])
            let bought = try await north.post("/plans", ["priceCheckId": check["id"].orThrow()])
            #expect(bought.status == 402)
            #expect(bought.code == "insufficient_balance")
            #expect(try await rig.count("select count(*)::int from plans") == 0)
            #expect(try await rig.count("select count(*)::int from jobs") == 0)
            _ = try await rig.login("admin").post("/resellers/\(rig.world.north.text("acct"))/topup", ["amount": "1000"])
            #expect(try await north.post("/plans", ["priceCheckId": check["id"].orThrow()]).status == 202)
        }
    }

    @Test func `a price check is used once, by its owner, in time`() async throws {
        try await APIRig.run { rig in
            let (north, south) = (try await rig.login("north"), try await rig.login("south"))
            let check = try await north.post("/plans/check-price", ["product": "residential", "quantity": 1])
            let body: JSONValue = ["priceCheckId": try check["id"].orThrow()]
            #expect(try await south.post("/plans", body).code == "not_found")
            #expect(try await north.post("/plans", body).status == 202)
            let again = try await north.post("/plans", body)
            #expect(again.status == 409)
            #expect(again.code == "price_check_used")
            let late = try await north.post("/plans/check-price", ["product": "residential", "quantity": 1])
            _ = try await rig.act { connection, _ in try connection.run(.once("update price_checks set expires_at = now() - interval '1 s'")).affected
            }
            let expired = try await north.post("/plans", ["priceCheckId": late["id"].orThrow()])
            #expect(expired.status == 410)
            #expect(expired.code == "price_check_expired")
        }
    }

    @Test func `plans are listed by what one looks for, page by page`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let ids = [try await north.plan(reference: "alpha"), try await north.plan(reference: "beta"), try await north.plan(reference: "gamma")]
            let first = try await north.get("/plans?limit=2")
            #expect(first["data"]?.array?.compactMap { $0["id"]?.string } == [ids[2], ids[1]])
            let second = try await north.get("/plans?limit=2&cursor=" + first["nextCursor"].orThrow().string.orThrow())
            #expect(second["data"]?.array?.compactMap { $0["id"]?.string } == [ids[0]])
            #expect(second["nextCursor"] == .null)
            #expect(try await north.get("/plans?search=bet")["data"]?.array?.count == 1)
            #expect(try await north.get("/plans?status=active,suspended")["data"]?.array?.count == 3)
            #expect(try await north.get("/plans?status=pending")["data"]?.array?.isEmpty == true)
        }
    }

    @Test func `a plan's texts and addresses are changed and taken away`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let plan = "/plans/" + (try await north.plan(reference: "alpha"))
            let changed = try await north.patch(plan, ["group": "eu", "allowedIps": ["203.0.113.7", "2001:db8::/32"]])
            #expect(changed["group"] == "eu")
            #expect(changed["customerReference"] == "alpha")
            #expect(changed["allowedIps"]?.array?.count == 2)
            let cleared = try await north.patch(plan, ["group": nil, "allowedIps": []])
            #expect(cleared["group"] == nil)
            #expect(cleared["allowedIps"] == [])
            let wrong = try await north.patch(plan, ["allowedIps": ["203.0.113.7", "10.0.0.0/99"]])
            #expect(wrong.status == 422)
            #expect(wrong["field"] == "/allowedIps/1")
            #expect(try await north.post(plan + "/cancel", ["reason": "no longer needed"])["status"] == "cancelled")
            #expect(try await north.post(plan + "/cancel").code == "plan_ended")
        }
    }

    @Test func `a parent buys for an account below, which pays`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let below = rig.world.northEast.text("acct")
            let check = try await north.post("/plans/check-price", ["product": "residential", "quantity": 1, "accountId": .string(below)])
            let bought = try await north.post("/plans", ["priceCheckId": check["id"].orThrow()])
            #expect(bought["plan"]?["accountId"]?.string == below)
            #expect(try await north.get("/balance?accountId=" + below)["held"] == "1.40")
            #expect(try await north.get("/balance")["held"] == "0.00")
        }
    }
}

extension APICaller {
    /// A plan that was bought and delivered.
    func plan(reference: String? = nil) async throws -> String {
        let check = try await post("/plans/check-price", ["product": "residential", "quantity": 1])
        var body: JSONValue = ["priceCheckId": try check["id"].orThrow()]
        if let reference { body["customerReference"] = .string(reference) }
        let bought = try await post("/plans", body)
        try await rig.deliver(bought["job"]?["id"]?.string.orThrow() ?? "")
        return try (bought["plan"]?["id"]?.string).orThrow()
    }
}
