package import Business
package import Engine

/// `plan.extend`: captures the hold and extends the plan here.
package struct PlanExtendJob: AtomicJob {
    package typealias Payload = PlanJobPayload

    private let business: Business

    package init(_ services: Services) {
        business = services.business
    }

    package func run(_ payload: PlanJobPayload, in context: AtomicContext) throws -> Outcome {
        let delivery = try business.plans.completeExtension(
            payload, job: context.job.id, actor: context.job.actorID, on: context.connection, now: context.now)
        return .done(delivery.result)
    }
}
