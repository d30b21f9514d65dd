package import Bytes
package import Clocks
internal import JSON
package import Postgres

extension Sessions {
    /// Ends the session that the caller came with; in the caller's transaction.
    ///
    /// Its cookie or JWT is worth nothing from the next request on.
    ///
    /// - Throws: `no_session` for a caller who came with an API key at each request.
    package func close(by caller: Caller, on connection: Connection, now: Instant = .now) throws {
        guard let id = caller.sessionID else {
            throw BusinessError(.badRequest, "no_session", "There is no session to end: this request came with an API key.")
        }
        guard try connection.run(SQL.Sessions.revoke, id, caller.subjectID, now).affected > 0 else { return }
        try business.audit.write(action: "session.close", resource: ("session", id), account: caller.accountID, by: caller, on: connection)
    }

    /// The caller's own sessions that still stand, newest first.
    package func list(
        after cursor: Identifier? = nil, limit: Int = 50, by caller: Caller, on connection: Connection, now: Instant = .now
    ) throws -> Page<Session> {
        let rows = try connection.run(SQL.Sessions.list, caller.subjectID, cursor, now, limit + 1)
        return try Page(rows.map { try Session($0) }, limit: limit) { $0.id }
    }

    /// Ends one of the caller's own sessions; in the caller's transaction.
    ///
    /// - Throws: `not_found`, also for a session that has ended.
    package func revoke(_ id: Identifier, by caller: Caller, on connection: Connection, now: Instant = .now) throws {
        guard try connection.run(SQL.Sessions.revoke, id, caller.subjectID, now).affected > 0 else { throw BusinessError.notFound("session") }
        try business.audit.write(action: "session.revoke", resource: ("session", id), account: caller.accountID, by: caller, on: connection)
    }

    /// Ends all of the caller's sessions but the one that asks; in the caller's transaction.
    ///
    /// - Returns: how many.
    @discardableResult
    package func revokeOthers(by caller: Caller, on connection: Connection, now: Instant = .now) throws -> Int {
        guard let user = caller.subjectID else { return 0 }
        let count = try connection.run(SQL.Sessions.revokeUser, user, caller.sessionID, now).affected
        guard count > 0 else { return 0 }
        try business.audit.write(
            action: "session.revoke_others", resource: ("user", user), account: caller.accountID, by: caller, metadata: ["count": .int(Int64(count))],
            on: connection)
        return count
    }

    /// Deletes sessions that ended before an instant, a thousand at a time.
    ///
    /// - Returns: how many; call again until it is zero.
    package func sweep(endedBefore instant: Instant, on connection: Connection) throws -> Int {
        try connection.run(SQL.Sessions.sweep, instant).affected
    }
}
