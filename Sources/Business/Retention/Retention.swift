package import Clocks
package import Postgres

extension Business {
    /// Removal of what has outlived its retention.
    package var retention: Retention { Retention() }
}

/// One sweep removes a bounded batch of one thing; the job calls it until nothing is left.
package struct Retention: Sendable {
    /// What is swept.
    package enum Target: String, Sendable, CaseIterable {
        case idempotencyRecords, sessions, webhookEvents, upstreamRequests, rateLimits, priceChecks
    }

    /// Removes up to `limit` rows that ended before `before`.
    ///
    /// - Returns: how many were removed.
    package func sweep(_ target: Target, before: Instant, limit: Int, on connection: Connection) throws -> Int {
        let statement =
            switch target {
            case .idempotencyRecords: SQL.Retention.sweepIdempotency
            case .sessions: SQL.Retention.sweepSessions
            case .webhookEvents: SQL.Retention.sweepEvents
            case .upstreamRequests: SQL.Retention.sweepUpstreamRequests
            case .rateLimits: SQL.Retention.sweepRateLimits
            case .priceChecks: SQL.Retention.sweepPriceChecks
            }
        return try connection.run(statement, before, limit).affected
    }
}
