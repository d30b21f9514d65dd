package import Bytes
package import Clocks
package import Postgres

extension Plans {
    /// Expires plans whose time is over, the longest overdue first, each with its audit row and event; for the scheduled job `plan.expire`.
    ///
    /// - Parameter limit: how many in this transaction at most.
    /// - Returns: how many; fewer than the limit means that none is left, but for rows that others hold locked.
    package func expireDue(limit: Int = 200, job: Identifier? = nil, on connection: Connection, now: Instant = .now) throws -> Int {
        let plans = try connection.run(SQL.Plans.expireDue, now, limit).map { try Plan($0) }
        for plan in plans { try record(.planExpired, "plan.expired", plan, by: nil, job: job, on: connection, now: now) }
        return plans.count
    }
}
