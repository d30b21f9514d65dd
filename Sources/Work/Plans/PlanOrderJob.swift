package import Business
package import Engine

/// `plan.order`: orders a plan from an upstream, then captures the hold and stores the credentials.
package struct PlanOrderJob: LeasedJob {
    package typealias Payload = PlanJobPayload

    private let services: Services

    package init(_ services: Services) {
        self.services = services
    }

    @concurrent package func run(_ payload: PlanJobPayload, in context: LeasedContext) async throws -> Outcome {
        try await UpstreamPurchase(services: services, context: context, payload: payload, isExtension: false).run()
    }
}
