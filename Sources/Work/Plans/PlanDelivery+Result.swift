internal import Business
internal import Bytes
internal import JSON

extension PlanDelivery {
    /// What a job keeps of it: ids and status, never credentials.
    var result: JSONValue {
        ["planId": .string(plan.id.text("plan")), "status": .string(plan.status.rawValue)]
    }
}
