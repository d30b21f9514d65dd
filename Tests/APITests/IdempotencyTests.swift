import Bytes
import HTTPClient
import JSON
import Postgres
import TestSupport
import Testing

@testable import API

/// Requests that are sent more than once.
@Suite(.database(.millrace)) struct IdempotencyTests {
    @Test func `a repeated purchase gets the first answer, and there is one plan`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north").with("Idempotency-Key", "order-1")
            let check = try await north.post("/plans/check-price", ["product": "residential", "quantity": 10])
            let body: JSONValue = ["priceCheckId": try check["id"].orThrow()]
            let first = try await north.post("/plans", body)
            let second = try await north.post("/plans", body)
            let oldSpelling = try await north.post("/api/plans", body)
            #expect(first.status == 202)
            #expect(first.header("Idempotent-Replayed") == nil)
            for replay in [second, oldSpelling] {
                #expect(replay.status == 202)
                #expect(replay.header("Idempotent-Replayed") == "true")
                #expect(replay.body == first.body)
                #expect(replay.header("Location") == first.header("Location"))
            }
            #expect(try await rig.count("select count(*)::int from plans") == 1)
            #expect(try await north.get("/balance")["held"] == "14.00")
        }
    }

    @Test func `a key with another body is refused`() async throws {
        try await APIRig.run { rig in
            let admin = try await rig.login("admin").with("Idempotency-Key", "topup-1")
            let path = "/resellers/\(rig.world.north.text("acct"))/topup"
            #expect(try await admin.post(path, ["amount": "5"]).status == 201)
            let other = try await admin.post(path, ["amount": "50"])
            #expect(other.status == 422)
            #expect(other.code == "idempotency_key_reused")
            #expect(try await admin.get("/balance?accountId=" + rig.world.north.text("acct"))["balance"] == "105.00")
        }
    }

    @Test func `eight at once with one key move money once`() async throws {
        try await APIRig.run(lanes: 8) { rig in
            let admin = try await rig.login("admin").with("Idempotency-Key", "at-once")
            let path = "/resellers/\(rig.world.north.text("acct"))/topup"
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 { group.addTask { try await admin.post(path, ["amount": "5"]).status } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.allSatisfy { $0 == 201 }, "\(statuses)")
            #expect(try await admin.get("/balance?accountId=" + rig.world.north.text("acct"))["balance"] == "105.00")
        }
    }

    @Test func `what failed leaves no record, so that its repetition is a new try`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north").with("Idempotency-Key", "order-2")
            let check = try await north.post("/plans/check-price", ["product": "residential", "quantity": 500])
            let body: JSONValue = ["priceCheckId": try check["id"].orThrow()]
            #expect(try await north.post("/plans", body).status == 402)
            _ = try await rig.login("admin").post("/resellers/\(rig.world.north.text("acct"))/topup", ["amount": "1000"])
            let again = try await north.post("/plans", body)
            #expect(again.status == 202)
            #expect(again.header("Idempotent-Replayed") == nil)
        }
    }

    @Test func `a secret is in the first answer only`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north").with("Idempotency-Key", "key-1")
            let first = try await north.post("/api-keys", ["name": "shop"])
            let second = try await north.post("/api-keys", ["name": "shop"])
            #expect(first["key"]?.string?.hasPrefix("mr_live_") == true)
            #expect(second.header("Idempotent-Replayed") == "true")
            #expect(second["key"] == nil)
            #expect(second["apiKey"] == first["apiKey"])
            let kept = try await rig.count(
                "select count(*)::int from idempotency_records where position('mr_live_' in convert_from(response, 'UTF8')) > 0")
            // The prefix that is shown is kept, the key is not.
            #expect(kept == 1)
            let key = try #require(first["key"]?.string)
            let whole = try await rig.act { connection, _ in
                try connection.run(.once("select 1 as found from idempotency_records where position($1 in convert_from(response, 'UTF8')) > 0"), key)
                    .count
            }
            #expect(whole == 0)
        }
    }

    @Test func `a repetition gets its answer although its URL would be refused by now`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north").with("Idempotency-Key", "hook-1")
            let body: JSONValue = ["url": "https://93.184.215.14/hook", "events": ["*"]]
            let first = try await north.post("/webhooks", body)
            #expect(first.status == 201)
            rig.judge.stop()
            let second = try await north.post("/webhooks", body)
            #expect(second.header("Idempotent-Replayed") == "true")
            #expect(second["secret"] == nil)
            #expect(try await north.with("Idempotency-Key", "hook-2").get("/webhooks")["data"]?.array?.count == 1)
        }
    }

    @Test(arguments: ["", String(repeating: "k", count: 256)])
    func `a key that cannot be one is refused`(key: String) async throws {
        try await APIRig.run { rig in
            let admin = try await rig.login("admin").with("Idempotency-Key", key)
            let answer = try await admin.post("/resellers/\(rig.world.north.text("acct"))/topup", ["amount": "5"])
            #expect(answer.status == 422)
            #expect(answer.code == "invalid_idempotency_key")
        }
    }

    @Test func `keys of two accounts have nothing to do with each other`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north").with("Idempotency-Key", "same")
            let south = try await rig.login("south").with("Idempotency-Key", "same")
            #expect(try await north.post("/permission-groups", ["name": "a", "permissions": []]).status == 201)
            let other = try await south.post("/permission-groups", ["name": "b", "permissions": []])
            #expect(other.status == 201)
            #expect(other.header("Idempotent-Replayed") == nil)
        }
    }
}
