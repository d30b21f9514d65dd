import Bytes
import JSON
import Testing

/// One thing of each kind that an account can have, made through the API.
struct Belongings: Sendable {
    private var ids: [String: String] = [:]

    /// The id for a path parameter of the description; nil for things that no tenant owns.
    func id(_ parameter: String) -> String? { ids[parameter] }

    /// Path parameters whose things belong to accounts.
    static let parameters: Set<String> = [
        "sessionId", "resellerId", "userId", "groupId", "keyId", "entryId", "planId", "webhookId", "deliveryId", "jobId", "accountId",
    ]

    static func make(_ owner: APICaller) async throws -> Belongings {
        var things = Belongings()
        things.ids["sessionId"] = try #require(try await owner.rig.login("north").get("/auth/me")["session"]?["id"]?.string)
        things.ids["resellerId"] = owner.rig.world.northEast.text("acct")
        things.ids["accountId"] = things.ids["resellerId"]
        things.ids["userId"] = try await owner.post("/users", ["username": "north.clerk", "password": "a long enough one"])["id"]?.string
        things.ids["groupId"] = try await owner.post("/permission-groups", ["name": "clerks", "permissions": ["plans.view"]])["id"]?.string
        things.ids["keyId"] = try await owner.post("/api-keys", ["name": "shop"])["apiKey"]?["id"]?.string
        things.ids["planId"] = try await owner.plan()
        things.ids["entryId"] = try await owner.get("/balance/transactions?type=purchase")["data"]?[0]?["id"]?.string
        things.ids["webhookId"] = try await owner.post("/webhooks", ["url": "https://93.184.215.14/hook", "events": ["*"]])["webhook"]?["id"]?.string
        let sending = try await owner.post("/webhooks/\(things.ids["webhookId"] ?? "")/test")
        things.ids["deliveryId"] = sending["deliveryId"]?.string
        things.ids["jobId"] = sending["job"]?["id"]?.string
        for parameter in parameters { try #require(things.ids[parameter] != nil, "\(parameter) was not made") }
        return things
    }
}
