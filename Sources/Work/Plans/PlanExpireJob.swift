internal import Business
package import Engine
internal import JSON

/// `plan.expire`: expires plans whose time is over, one bounded batch a run; more than a batch is left to a follow-up job.
package struct PlanExpireJob: AtomicJob {
    package struct Payload: Decodable, Sendable {}

    private static let batch = 200
    private let business: Business

    package init(_ services: Services) {
        business = services.business
    }

    package func run(_ payload: Payload, in context: AtomicContext) throws -> Outcome {
        let expired = try business.plans.expireDue(limit: Self.batch, job: context.job.id, on: context.connection, now: context.now)
        return expired == Self.batch ? .snooze(.zero) : .done(["expired": .int(Int64(expired))])
    }
}
