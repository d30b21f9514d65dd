import Business
import Bytes
import Crypto
import Engine
import JSON
import Postgres
import TestSupport
import Testing

@testable import API

/// The staff's routes to orders whose end nobody knows; the rules themselves are tried with a whole engine in WorkTests.
@Suite(.database(.millrace)) struct OrderTests {
    /// A reseller's purchase from an upstream whose job has ended with the money still held.
    private func unresolved(_ rig: APIRig, by north: APICaller, _ admin: APICaller) async throws -> String {
        _ = try await admin.post("/providers", ["name": "elsewhere", "baseUrl": "https://upstream.example/api/v1", "apiKey": "up_key"])
        _ = try await admin.post(
            "/products",
            [
                "code": "elsewhere", "name": "Elsewhere", "proxyType": "residential", "provider": "elsewhere",
                "pricing": ["model": "perGB", "unitPrice": "2.00"],
            ])
        return try await another(rig, by: north)
    }

    private func another(_ rig: APIRig, by north: APICaller) async throws -> String {
        let check = try await north.post("/plans/check-price", ["product": "elsewhere", "quantity": 3])
        let bought = try await north.post("/plans", ["priceCheckId": try check["id"].orThrow()])
        let job = try #require(bought["job"]?["id"]?.string)
        let id = try #require(Identifier(job, prefix: "job"))
        _ = try await rig.act { try $1.ledger.cancel(id, actor: nil, on: $0) }
        return job
    }

    @Test func `an unresolved order is listed, shown and released, once`() async throws {
        try await APIRig.run { rig in
            let (admin, north) = (try await rig.login("admin"), try await rig.login("north"))
            let job = try await unresolved(rig, by: north, admin)
            let list = try await admin.get("/orders")
            #expect(list["data"]?.array?.count == 1 && list["data"]?[0]?["id"]?.string == job && list["data"]?[0]?["amount"] == "6.00")
            #expect(try await admin.get("/orders?accountId=" + rig.world.south.text("acct"))["data"]?.array?.isEmpty == true)
            #expect(try await admin.get("/orders/" + job)["state"] == "unresolved")
            #expect(try await north.get("/balance")["held"] == "6.00")

            #expect(try await admin.post("/orders/\(job)/release", [:]).status == 422)
            let keyed = admin.with("Idempotency-Key", "release-1")
            let released = try await keyed.post("/orders/\(job)/release", ["reason": "not at the provider"])
            #expect(released.status == 200 && released["state"] == "released" && released["plan"]?["status"] == "cancelled")
            let replayed = try await keyed.post("/orders/\(job)/release", ["reason": "not at the provider"])
            #expect(replayed.header("Idempotent-Replayed") == "true" && replayed["state"] == "released")
            #expect(try await keyed.post("/orders/\(job)/release", ["reason": "another"]).code == "idempotency_key_reused")
            let again = try await admin.post("/orders/\(job)/release", ["reason": "twice"])
            #expect(again.status == 200 && again["state"] == "released")
            #expect(try await north.get("/balance")["balance"] == "100.00")
            #expect(try await north.get("/balance")["held"] == "0.00")
            let audit = try await admin.get("/audit-log?action=order.release")
            #expect(audit["data"]?.array?.count == 1 && audit["data"]?[0]?["metadata"]?["reason"] == "not at the provider")
            #expect(try await admin.post("/orders/\(job)/complete", Self.delivery).code == "order_released")
        }
    }

    @Test func `an order is completed with what the provider delivered, and the password is seen by its owner alone`() async throws {
        try await APIRig.run { rig in
            let (admin, north) = (try await rig.login("admin"), try await rig.login("north"))
            let job = try await unresolved(rig, by: north, admin)
            let bare = try await admin.post("/orders/\(job)/complete", ["reason": "seen there", "reference": "plan_there"])
            #expect(bare.status == 422 && bare.code == "invalid_delivery" && bare["field"] == "/credentials")
            let late = Self.delivery.setting("expiresAt", "2020-01-01T00:00:00Z")
            #expect(try await admin.post("/orders/\(job)/complete", late).code == "invalid_delivery")
            let completed = try await admin.post("/orders/\(job)/complete", Self.delivery)
            #expect(completed.status == 200 && completed["state"] == "completed" && completed["plan"]?["status"] == "active")
            #expect(!completed.json.text.contains("s3cret"))
            let plan = try #require(completed["plan"]?["id"]?.string)
            #expect(try await north.get("/plans/\(plan)/credentials")["password"] == "s3cret-by-hand")
            #expect(try await north.get("/balance")["balance"] == "94.00")
            #expect(try await admin.post("/orders/\(job)/release", ["reason": "no"]).code == "order_completed")
            #expect(try await admin.get("/orders")["data"]?.array?.isEmpty == true)
            // The same user name at another order: somebody has mixed two of them up.
            let second = try await another(rig, by: north)
            let doubled = try await admin.post("/orders/\(second)/complete", Self.delivery)
            #expect(doubled.status == 409 && doubled.code == "plan_username_taken")
            #expect(try await north.get("/balance")["held"] == "6.00")
        }
    }

    @Test func `resellers see no orders, not even their own`() async throws {
        try await APIRig.run { rig in
            let (admin, north) = (try await rig.login("admin"), try await rig.login("north"))
            let job = try await unresolved(rig, by: north, admin)
            for answer in [
                try await north.get("/orders"), try await north.get("/orders/" + job),
                try await north.post("/orders/\(job)/release", ["reason": "x"]),
                try await north.post("/orders/\(job)/complete", Self.delivery),
            ] {
                #expect(answer.status == 403 && answer.code == "permission_denied")
            }
            #expect(try await admin.get("/orders/" + Identifier.next().text("job")).code == "not_found")
        }
    }

    private static let delivery: JSONValue = [
        "reason": "seen there", "reference": "plan_there",
        "credentials": ["username": "by-hand", "password": "s3cret-by-hand", "host": "edge.upstream.example", "httpPort": 8000],
    ]
}

extension JSONValue {
    fileprivate func setting(_ name: String, _ value: JSONValue) -> JSONValue {
        var members = object ?? JSONObject()
        members[name] = value
        return .object(members)
    }
}
