package import Clocks
package import Postgres

/// Answers a request with the same `Idempotency-Key` once, and its repetitions with the same answer.
///
/// The record is inserted first, in the same transaction as the effects: there is no moment at which one exists without the other. A second request with the key
/// meets the unique index and waits there until the first one ends: if it committed, its answer is given again; if it rolled back, the second
/// takes its place. Only success (2xx) is kept; a failed request leaves nothing, so its repetition is a new try.
package struct Idempotency: Sendable {
    /// How long a repetition waits for the first request.
    static let patience: Duration = .seconds(2)

    package init() {}
}

extension Business {
    package var idempotency: Idempotency { Idempotency() }
}

extension Idempotency {
    /// Runs the body, or gives the stored answer; in the caller's transaction, before anything else in it, so that no lock is held while it waits.
    ///
    /// - Throws: `request_in_progress` (409, `retryAfter` one second) when the first request takes longer than two seconds;
    ///   `idempotency_key_reused` for another body; what the body throws, and then the transaction must be rolled back.
    package func run(
        _ request: IdempotentRequest, on connection: Connection, now: Instant = .now, _ body: () throws -> StoredResponse
    ) throws -> StoredResponse {
        precondition(connection.isInTransaction, "the record commits with the effects")
        guard try begin(request, on: connection, now: now) else { return try earlier(request, on: connection) }
        let response = try body()
        let identity: [any PostgresEncodable] = [request.account, request.method, request.path, request.key]
        guard response.isSuccess else {
            try connection.run(SQL.Requests.forget, binds: identity)
            return response
        }
        try connection.run(
            SQL.Requests.answer,
            binds: identity + [response.status, response.replayBody ?? response.body, response.contentType] + [
                response.location as (any PostgresEncodable)?
            ])
        return response
    }

    /// Deletes records made before an instant, a thousand at a time.
    ///
    /// - Returns: how many; call again until it is zero.
    package func sweep(madeBefore instant: Instant, on connection: Connection) throws -> Int {
        try connection.run(SQL.Requests.sweepRecords, instant).affected
    }

    /// Inserts the record; false when there is an answered one.
    private func begin(_ request: IdempotentRequest, on connection: Connection, now: Instant) throws -> Bool {
        let usual: String = try connection.run(SQL.Requests.limitWait, "\(Self.patience.components.seconds)s").only()("usual")
        do {
            let inserted = try connection.run(
                SQL.Requests.begin, request.account, request.method, request.path, request.key, request.bodyHash, now, usual)
            return !inserted.isEmpty
        } catch {
            guard error.kind == .lockTimeout else { throw error }
            throw BusinessError(
                .conflict, "request_in_progress", "The first request with this Idempotency-Key is still running; try again.", retryAfter: .seconds(1))
        }
    }

    private func earlier(_ request: IdempotentRequest, on connection: Connection) throws -> StoredResponse {
        let rows = try connection.run(SQL.Requests.find, request.account, request.method, request.path, request.key)
        // Swept between the insert that met it and now: as good as a request that is about to be over.
        guard let row = rows.first else {
            throw BusinessError(
                .conflict, "request_in_progress", "The record of this Idempotency-Key is changing; try again.", retryAfter: .seconds(1))
        }
        let hash: [UInt8] = try row("body_hash")
        guard hash == request.bodyHash else {
            throw BusinessError(
                .invalid, "idempotency_key_reused", "This Idempotency-Key was used with another body; take a new one for a new request.",
                field: "Idempotency-Key")
        }
        var response = StoredResponse(
            status: try row("status"), body: try row("response"), contentType: try row("content_type"), location: try row("location"))
        response.replayed = true
        return response
    }
}
