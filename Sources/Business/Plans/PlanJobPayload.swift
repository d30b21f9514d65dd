package import Bytes
package import JSON

/// The payload of `plan.purchase`, `plan.extend`, `plan.order` and `plan.order_extension`.
package struct PlanJobPayload: Sendable, Hashable, Decodable {
    package var planID: Identifier
    package var holdID: Identifier
    package var priceCheckID: Identifier

    private enum Key: String, CodingKey {
        case planID = "planId"
        case holdID = "holdId"
        case priceCheckID = "priceCheckId"
    }

    init(plan planID: Identifier, hold holdID: Identifier, priceCheck priceCheckID: Identifier) {
        self.planID = planID
        self.holdID = holdID
        self.priceCheckID = priceCheckID
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        func identifier(_ key: Key, _ prefix: String) throws -> Identifier {
            guard let id = Identifier(try container.decode(String.self, forKey: key), prefix: prefix) else {
                throw DecodingError.dataCorruptedError(forKey: key, in: container, debugDescription: "is no identifier that begins with \(prefix)_")
            }
            return id
        }
        planID = try identifier(.planID, "plan")
        holdID = try identifier(.holdID, "hold")
        priceCheckID = try identifier(.priceCheckID, "check")
    }

    /// What the hold is for.
    var reference: WalletEntry.Reference { WalletEntry.Reference("plan", planID) }

    package var json: JSONValue {
        [
            "planId": .string(planID.text("plan")), "holdId": .string(holdID.text("hold")),
            "priceCheckId": .string(priceCheckID.text("check")),
        ]
    }
}
