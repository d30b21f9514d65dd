package import Business
package import Engine

/// `plan.order_extension`: orders an extension from an upstream, then captures the hold.
package struct PlanOrderExtensionJob: LeasedJob {
    package typealias Payload = PlanJobPayload

    private let services: Services

    package init(_ services: Services) {
        self.services = services
    }

    @concurrent package func run(_ payload: PlanJobPayload, in context: LeasedContext) async throws -> Outcome {
        try await UpstreamPurchase(services: services, context: context, payload: payload, isExtension: true).run()
    }
}
