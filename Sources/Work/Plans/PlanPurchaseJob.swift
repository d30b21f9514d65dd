package import Business
package import Engine

/// `plan.purchase`: captures the hold and provisions the plan here.
package struct PlanPurchaseJob: AtomicJob {
    package typealias Payload = PlanJobPayload

    private let business: Business

    package init(_ services: Services) {
        business = services.business
    }

    package func run(_ payload: PlanJobPayload, in context: AtomicContext) throws -> Outcome {
        let delivery = try business.plans.completePurchase(
            payload, job: context.job.id, actor: context.job.actorID, on: context.connection, now: context.now)
        return .done(delivery.result)
    }
}
