package import Clocks
package import Postgres

/// Limits on how often, shared by all processes: the counters are rows.
///
/// Fixed windows that begin at whole multiples of their length, by the database's clock, so that all processes count in the same one. One statement per take, and it
/// is exact: of any number of takes in a window `limit` are allowed, whoever makes them. What fixed windows cost: around a border, twice the limit can
/// pass within one window's length. Take outside of a transaction: inside one, the counter's row stays locked until it ends and everybody who counts on it
/// waits; and a rollback would give the take back.
package struct RateLimits: Sendable {
    package init() {}
}

extension Business {
    package var rateLimits: RateLimits { RateLimits() }
}

/// How a limit stands after a take.
package struct RateLimitState: Sendable, Hashable {
    package var limit: Int
    package var remaining: Int
    /// Until the window is over.
    package var resetAfter: Duration
    package var allowed: Bool

    package init(limit: Int, remaining: Int, resetAfter: Duration, allowed: Bool) {
        self.limit = limit
        self.remaining = remaining
        self.resetAfter = resetAfter
        self.allowed = allowed
    }

    /// Refuses what is over the limit.
    ///
    /// - Throws: `too_many_requests` with `retryAfter`.
    package func require() throws(BusinessError) {
        if allowed { return }
        throw BusinessError(.tooManyRequests, "too_many_requests", "Too many requests; slow down.", retryAfter: resetAfter)
    }
}

extension RateLimits {
    /// Counts one, and says whether it was within the limit.
    ///
    /// - Parameters:
    ///   - key: what is limited, `ip:203.0.113.7`; a text that comes from outside is hashed first (`limitKey`).
    ///   - limit: how many per window; what is over it is not counted on.
    ///   - now: for tests; nil takes the database's clock.
    package func take(_ key: String, limit: Int, window: Duration, on connection: Connection, now: Instant? = nil) throws -> RateLimitState {
        precondition(limit >= 0 && window >= .seconds(1), "a limit is a count per second at least")
        // The window's length is part of the name: two limits of different lengths never share a row.
        let row = try connection.run(SQL.Requests.take, "\(key)/\(window.components.seconds)", window, limit, now).only()
        let count: Int = try row("count")
        let resetAfter: Duration = try row("reset_after")
        return RateLimitState(limit: limit, remaining: max(0, limit - count), resetAfter: max(resetAfter, .milliseconds(1)), allowed: count <= limit)
    }

    /// Deletes the counters of windows that are over, a thousand at a time.
    ///
    /// - Returns: how many; call again until it is zero.
    package func sweep(on connection: Connection, now: Instant? = nil) throws -> Int {
        try connection.run(SQL.Requests.sweepLimits, now).affected
    }
}
