internal import HTTPServer

/// Every operation that the program carries out, by the description's `operationId`.
enum Operations {
    static let all: [String: Operation] = {
        let groups: [[String: Operation]] = [
            AuthRoutes.operations, AccountRoutes.operations, ResellerRoutes.operations, UserRoutes.operations, PermissionGroupRoutes.operations,
            APIKeyRoutes.operations, BalanceRoutes.operations, ProductRoutes.operations, ProviderRoutes.operations, PlanRoutes.operations,
            OrderRoutes.operations, WebhookRoutes.operations, DeliveryRoutes.operations, JobRoutes.operations, QueueRoutes.operations,
            LogRoutes.operations, DocumentRoutes.operations,
        ]
        return groups.reduce(into: [:]) { all, group in
            all.merge(group) { _, _ in preconditionFailure("an operation is carried out twice") }
        }
    }()

    /// What is described and not carried out, and the other way round; both empty in a program that may start.
    static func differences(to contract: Contract) -> (missing: [String], undescribed: [String]) {
        let described = Set(contract.operations.map(\.id))
        return (described.subtracting(all.keys).sorted(), Set(all.keys).subtracting(described).sorted())
    }

    /// The routes of the description, each with what carries it out.
    static func router(_ context: APIContext) -> Router {
        let (missing, undescribed) = differences(to: context.contract)
        precondition(missing.isEmpty, "docs/openapi.json describes what nobody carries out: \(missing.joined(separator: ", "))")
        precondition(undescribed.isEmpty, "docs/openapi.json does not describe: \(undescribed.joined(separator: ", "))")
        var router = Router()
        for described in context.contract.operations {
            guard let operation = all[described.id] else { continue }
            let pipeline = Pipeline(context: context, described: described, operation: operation)
            for path in described.paths { router.add(described.method, path) { await pipeline.respond(to: $0) } }
        }
        return router
    }
}
