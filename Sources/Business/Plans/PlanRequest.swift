package import Bytes
package import JSON

/// What a request for a purchase or an extension leaves behind: a plan that waits, and the job that will deliver.
package struct PlanRequest: Sendable, Hashable {
    package var plan: Plan
    package var jobID: Identifier
    package var holdID: Identifier

    package var json: JSONValue { ["jobId": .string(jobID.text("job")), "plan": plan.json] }
}

/// What a delivery found: it did it, it had been done, or there was nothing to do any more.
package enum PlanDelivery: Sendable, Hashable {
    case done(Plan)
    /// An earlier run had done it; nothing was changed.
    case repeated(Plan)
    /// The hold had been released before: the plan was cancelled, or the order refused.
    case released(Plan)

    package var plan: Plan {
        switch self {
        case .done(let plan), .repeated(let plan), .released(let plan): plan
        }
    }
}
