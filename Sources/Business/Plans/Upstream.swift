package import Bytes
package import Clocks
package import Postgres

/// The log of requests to providers.
package struct Upstream {
    let business: Business

    /// Writes down a request.
    ///
    /// - Parameters:
    ///   - path: without the query, which may hold a secret; what comes after a question mark is cut off here too.
    ///   - status: nil when there was no answer.
    package func record(
        provider: Identifier, account: Identifier?, job: Identifier?, method: String, path: String, status: Int?, duration: Duration,
        errorCode: String? = nil, on connection: Connection, now: Instant = .now
    ) throws {
        let plainPath = path.prefix { $0 != "?" && $0 != "#" }
        let success = errorCode == nil && status.map { (200..<300).contains($0) } ?? false
        try connection.run(
            SQL.Providers.logRequest, Identifier.next(), provider, account, job, method, String(plainPath.prefix(500)), status, duration.microseconds,
            success, errorCode, now)
    }

    /// Requests that were made for accounts of the caller's subtree, the newest first.
    ///
    /// - Throws: `BusinessError` `permission_denied` (`upstream.view`).
    package func list(
        account: Identifier? = nil, job: Identifier? = nil, success: Bool? = nil, after cursor: Identifier? = nil, limit: Int = 50,
        by caller: Caller, on connection: Connection
    ) throws -> Page<UpstreamRequest> {
        try caller.require(.upstreamView)
        let rows = try connection.run(SQL.Providers.listRequests.plannedAnew, caller.accountID, cursor, account, job, success, limit + 1)
        return try Page(rows.map { try UpstreamRequest($0) }, limit: limit) { $0.id }
    }
}

extension Business {
    package var upstream: Upstream { Upstream(business: self) }
}
