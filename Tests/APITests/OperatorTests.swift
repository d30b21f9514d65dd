import Bytes
import Engine
import JSON
import Postgres
import TestSupport
import Testing

@testable import API

/// Accounts, users, rights, products, queues: the work of those above.
@Suite(.database(.millrace)) struct OperatorTests {
    @Test func `an account with its first user is made, changed, and deleted when nothing is left in it`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let made = try await north.post(
                "/resellers",
                [
                    "name": "Shop", "type": "customer", "email": "shop@example.org",
                    "firstUser": ["username": "shop", "password": .string(rig.world.password), "name": "Shop Keeper"],
                ])
            #expect(made.status == 201)
            let path = "/resellers/" + (try #require(made["id"]?.string))
            #expect(made.header("Location") == "/api/v1" + path)
            #expect(try await rig.login("shop").get("/auth/me")["role"] == "customer")
            let changed = try await north.patch(path, ["name": "The Shop", "email": nil])
            #expect(changed["name"] == "The Shop")
            #expect(changed["email"] == .null)
            #expect(try await north.post(path + "/topup", ["amount": "5"])["type"] == "transfer")
            #expect(try await north.get("/balance")["balance"] == "95.00")
            #expect(try await north.delete(path).code == "account_has_balance")
            #expect(try await north.post(path + "/withdraw", ["amount": "5"]).status == 201)
            #expect(try await north.delete(path).status == 204)
            #expect(try await north.get(path).status == 404)
            let taken = try await north.post("/resellers", ["name": "x", "firstUser": ["username": "shop", "password": "long enough 1"]])
            #expect(taken.code == "username_taken")
            #expect(taken["field"] == "/firstUser/username")
            let weak = try await north.post("/resellers", ["name": "x", "firstUser": ["username": "y1", "password": "aaaaaaaaaaaa"]])
            #expect(weak["field"] == "/firstUser/password")
        }
    }

    @Test func `a permission group limits everybody below, at once`() async throws {
        try await APIRig.run { rig in
            let (admin, north) = (try await rig.login("admin"), try await rig.login("north"))
            let group = try await admin.post("/permission-groups", ["name": "readers", "permissions": ["plans.view", "account.view"]])
            let id = try group["id"].orThrow()
            _ = try await admin.patch("/resellers/" + rig.world.north.text("acct"), ["permissionGroupId": id])
            #expect(try await north.get("/plans").status == 200)
            let refused = try await north.get("/balance")
            #expect(refused.status == 403)
            #expect(refused.code == "permission_denied")
            #expect(refused["detail"]?.string?.contains("balance.view") == true)
            #expect(try await rig.login("north-east").get("/balance").code == "permission_denied")
            let unknown = try await admin.post("/permission-groups", ["name": "x", "permissions": ["plans.veiw"]])
            #expect(unknown.code == "unknown_permission")
            #expect(unknown["detail"]?.string?.contains("plans.view") == true)
            #expect(try await admin.delete("/permission-groups/" + id.string.orThrow()).code == "group_in_use")
        }
    }

    @Test func `users are made, changed, and given new passwords`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let made = try await north.post("/users", ["username": "Clerk", "password": .string(rig.world.password)])
            #expect(made["username"] == "clerk")
            let path = "/users/" + (try #require(made["id"]?.string))
            let clerk = try await rig.login("clerk")
            #expect(try await north.patch(path, ["name": "The Clerk", "allowedIps": ["127.0.0.0/8"]])["name"] == "The Clerk")
            #expect(try await north.post(path + "/reset-password", ["password": "another password"]).status == 204)
            #expect(try await clerk.get("/auth/me").status == 401)
            #expect(try await rig.nobody.post("/auth/login", ["username": "clerk", "password": "another password"]).status == 200)
            #expect(try await north.patch(path, ["active": false])["active"] == false)
            #expect(try await rig.nobody.post("/auth/login", ["username": "clerk", "password": "another password"]).code == "account_deactivated")
            #expect(try await north.get("/users?search=cler")["data"]?.array?.count == 1)
            #expect(try await north.patch(path, .object(JSONObject())).code == "validation_failed")
        }
    }

    @Test func `products and prices are the operator's`() async throws {
        try await APIRig.run { rig in
            let (admin, north) = (try await rig.login("admin"), try await rig.login("north"))
            let product: JSONValue = [
                "code": "datacenter", "name": "Datacenter", "proxyType": "datacenter", "stock": 5,
                "pricing": ["model": "perPeriod", "month": "1.80", "year": "18.00"],
            ]
            #expect(try await north.post("/products", product).code == "permission_denied")
            let made = try await admin.post("/products", product)
            #expect(made.header("Location") == "/api/v1/products/datacenter")
            #expect(try await admin.post("/products", product).code == "code_taken")
            #expect(try await north.get("/products/datacenter")["provider"] == nil)
            #expect(try await admin.patch("/products/datacenter", ["stock": nil, "name": "DC"])["name"] == "DC")
            let override = try await admin.put(
                "/products/datacenter/prices/" + rig.world.north.text("acct"), ["pricing": ["model": "percent", "percent": "50"]])
            #expect(override.status == 204)
            let pricing = try await north.get("/balance/pricing?family=proxy")
            #expect(pricing["data"]?.array?.first { $0["code"] == "datacenter" }?["pricing"]?["month"] == "0.90")
            #expect(try await rig.login("south").get("/products/datacenter")["pricing"]?["month"] == "1.80")
            let wrong = try await admin.post("/products", ["code": "x1", "name": "X", "proxyType": "isp", "pricing": ["model": "perGB"]])
            #expect(wrong.code == "invalid_pricing")
            let month = try await north.post("/plans/check-price", ["product": "datacenter", "quantity": 1])
            #expect(month.code == "period_required")
        }
    }

    @Test func `a provider's key goes in and never comes out`() async throws {
        try await APIRig.run { rig in
            let admin = try await rig.login("admin")
            let made = try await admin.post(
                "/providers", ["name": "upstream", "baseUrl": "https://upstream.example/api/v1", "apiKey": "mr_live_very_secret"])
            #expect(made.status == 201)
            #expect(made["hasApiKey"] == true)
            let path = "/providers/" + (try #require(made["id"]?.string))
            let changed = try await admin.patch(path, ["apiKey": "mr_live_other_secret", "active": false])
            let list = try await admin.get("/providers")
            let audit = try await admin.get("/audit-log?resourceType=provider")
            for answer in [made, changed, list, audit] { #expect(!"\(answer.json)".contains("_secret")) }
            #expect(try await rig.login("north").get("/providers").code == "operator_only")
        }
    }

    @Test func `webhook endpoints: the secret once, test, deliveries, replay, rotation`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let made = try await north.post("/webhooks", ["url": "https://93.184.215.14/hook", "events": ["plan.purchased", "test"]])
            #expect(made["secret"]?.string?.hasPrefix("whsec_") == true)
            let path = "/webhooks/" + (try #require(made["webhook"]?["id"]?.string))
            #expect(try await north.get(path)["secret"] == nil)
            let sent = try await north.post(path + "/test")
            #expect(sent.status == 202)
            #expect(sent["job"]?["kind"] == "webhook.deliver")
            let delivery = "/webhooks/deliveries/" + (try #require(sent["deliveryId"]?.string))
            #expect(try await north.get(delivery)["body"]?.string?.contains("\"type\":\"test\"") == true)
            #expect(try await north.post(delivery + "/replay").code == "delivery_pending")
            #expect(try await north.get(path + "/deliveries?state=pending")["data"]?.array?.count == 1)
            let replay = try await north.post(
                path + "/replay", ["from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z", "onlyFailed": false, "dryRun": true])
            #expect(replay["count"] == 0)
            let rotated = try await north.post(path + "/regenerate-secret")
            #expect(rotated["secret"] != made["secret"])
            #expect(rotated["webhook"]?["previousSecretUntil"]?.string != nil)
            let replaced = try await north.put(path, ["url": "https://93.184.215.14/other", "events": ["*"]])
            #expect(replaced["events"] == ["*"])
            #expect(try await north.patch(path, ["active": false])["active"] == false)
            #expect(try await north.post(path + "/test").code == "endpoint_inactive")
            let unknown = try await north.post("/webhooks", ["url": "https://93.184.215.14/hook", "events": ["plan.bought"]])
            #expect(unknown.code == "unknown_event")
            #expect(unknown["field"] == "/events/0")
            #expect(try await north.get("/webhooks/event-types")["data"]?.array?.contains { $0["name"] == "balance.low" } == true)
            #expect(try await north.delete(path).status == 204)
            #expect(try await north.get(path).status == 404)
        }
    }

    @Test func `jobs and queues are looked at, cancelled, retried, paused by those who may`() async throws {
        try await APIRig.run { rig in
            let (admin, north) = (try await rig.login("admin"), try await rig.login("north"))
            let check = try await north.post("/plans/check-price", ["product": "residential", "quantity": 1])
            let bought = try await north.post("/plans", ["priceCheckId": check["id"].orThrow()])
            let path = "/jobs/" + (try #require(bought["job"]?["id"]?.string))
            #expect(try await north.get(path)["payload"] == nil)
            #expect(try await admin.get(path)["payload"]?["planId"] != nil)
            #expect(try await north.post(path + "/cancel").code == "permission_denied")
            #expect(try await admin.post(path + "/retry").code == "job_state")
            #expect(try await admin.post(path + "/cancel").code == "cancel_the_plan")
            let hook = try await north.post("/webhooks", ["url": "https://93.184.215.14/hook", "events": ["*"]])
            let sent = try await north.post("/webhooks/\(hook["webhook"]?["id"]?.string ?? "")/test")
            let delivery = "/jobs/" + (try #require(sent["job"]?["id"]?.string))
            let cancelled = try await admin.post(delivery + "/cancel")
            #expect(cancelled["outcome"] == "cancelled")
            #expect(cancelled["job"]?["state"] == "cancelled")
            #expect(try await admin.post(delivery + "/cancel").status == 409)
            #expect(try await admin.get("/jobs?state=cancelled&kind=webhook.deliver")["data"]?.array?.count == 1)
            #expect(try await north.get("/job-kinds")["data"]?.array?.contains { $0["kind"] == "plan.purchase" } == true)

            #expect(try await north.get("/queues").code == "permission_denied")
            #expect(try await admin.post("/queues/purchase/pause").status == 204)
            let queues = try await admin.get("/queues")
            #expect(queues["data"]?.array?.first { $0["queue"] == "purchase" }?["paused"] == true)
            #expect(try await admin.post("/queues/purchase/resume").status == 204)
            #expect(try await admin.post("/queues/purchases/pause").status == 404)
            #expect(try await admin.get("/workers")["data"] == [])
            #expect(try await admin.get("/schedules")["data"]?.array?.isEmpty == false)
            let none = try await admin.post("/jobs/retry", ["queue": "purchase"])
            #expect(none["revived"] == 0)
            #expect(none["nextCursor"] == .null)
            #expect(try await admin.post("/jobs/retry", .object(JSONObject())).code == "validation_failed")
        }
    }

    @Test func `a threshold is set by its owner, a credit limit by the operator`() async throws {
        try await APIRig.run { rig in
            let (admin, north) = (try await rig.login("admin"), try await rig.login("north"))
            #expect(try await north.patch("/balance", ["lowBalance": "95"])["lowBalance"] == "95.00")
            let path = "/resellers/\(rig.world.north.text("acct"))/balance"
            let credit = try await admin.patch(path, ["creditLimit": "50"])
            #expect(credit["creditLimit"] == "50.00")
            #expect(credit["lowBalance"] == "95.00")
            #expect(credit["available"] == "150.00")
            #expect(try await north.patch(path, ["creditLimit": "5000"]).status == 403)
            #expect(try await north.patch("/balance", ["lowBalance": nil])["lowBalance"] == nil)
        }
    }

    @Test func `a refund gives back what was charged, once`() async throws {
        try await APIRig.run { rig in
            let (admin, north) = (try await rig.login("admin"), try await rig.login("north"))
            _ = try await north.plan()
            let entry = try #require(try await north.get("/balance/transactions?type=purchase")["data"]?[0]?["id"]?.string)
            let path = "/balance/transactions/\(entry)"
            #expect(try await north.post(path + "/refund").code == "permission_denied")
            #expect(try await admin.post(path + "/refund", ["amount": "1.41"]).code == "refund_too_large")
            let refund = try await admin.post(path + "/refund", ["amount": "0.40", "note": "late"])
            #expect(refund["amount"] == "0.40")
            #expect(try await admin.post(path + "/refund")["amount"] == "1.00")
            #expect(try await admin.post(path + "/refund").code == "already_refunded")
            #expect(try await north.get("/balance")["balance"] == "100.00")
        }
    }

    @Test func `the audit log says who did what, from where, by which request`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north").with("User-Agent", "shop/1.0")
            let answer = try await north.patch("/account", ["phone": "+49 30 1234"])
            let log = try await north.get("/audit-log?action=account.edit")
            let entry = try #require(log["data"]?[0])
            #expect(entry["actorName"] == "north")
            #expect(entry["ipAddress"] == "127.0.0.1")
            #expect(entry["userAgent"] == "shop/1.0")
            #expect(entry["after"]?["phone"] == "+49 30 1234")
            let id = try #require(answer.header("X-Request-Id"))
            #expect(entry["requestId"]?.string?.filter { $0 != "-" }.hasSuffix(id.filter { $0 != "-" }.suffix(32)) == true)
        }
    }
}
