internal import Business
internal import Clocks
package import Engine
internal import JSON
internal import Postgres

/// `retention.sweep`: removes batch after batch, each in its own transaction, until nothing old is left.
package struct RetentionSweepJob: LeasedJob {
    package struct Payload: Decodable, Sendable {}

    private let services: Services

    package init(_ services: Services) {
        self.services = services
    }

    @concurrent package func run(_ payload: Payload, in context: LeasedContext) async throws -> Outcome {
        let retention = services.business.retention
        var removed = JSONObject()
        for target in Retention.Target.allCases {
            let before = Instant.now - services.retention.keeps(target)
            var count = 0
            while true {
                try Task.checkCancellation()
                let batch = try await context.database.transaction { try retention.sweep(target, before: before, limit: 2000, on: $0) }
                count += batch
                if batch < 2000 { break }
            }
            removed[target.rawValue] = .int(Int64(count))
        }
        return .done(.object(["removed": .object(removed)]))
    }
}

extension RetentionRules {
    func keeps(_ target: Retention.Target) -> Duration {
        switch target {
        case .idempotencyRecords: idempotency
        case .sessions: sessions
        case .webhookEvents: deliveries
        case .upstreamRequests: upstreamRequests
        case .rateLimits: .seconds(3600)
        case .priceChecks: .seconds(86400)
        }
    }
}
