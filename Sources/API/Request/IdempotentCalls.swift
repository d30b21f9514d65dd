internal import Business
internal import HTTPServer
internal import Postgres

/// Requests that carry an `Idempotency-Key`: their effects, their answer and the record of it commit together.
enum IdempotentCalls {
    static let header = "Idempotency-Key"

    /// What the request is recognised by; nil when it has no key, or the operation honours none.
    ///
    /// - Throws: `invalid_idempotency_key`.
    static func request(of call: Call) throws(BusinessError) -> IdempotentRequest? {
        guard call.operation.isIdempotent, let caller = call.admitted, let key = call.request.headers[header] else { return nil }
        return try IdempotentRequest(
            key: key, method: call.request.method.text, path: canonical(call.request.rawPath), body: call.request.body, account: caller.accountID)
    }

    /// Runs the body once for a key, and gives its answer to every repetition.
    ///
    /// When the connection was lost during COMMIT nobody knows what happened, but the record does: a second run finds it, or does what was not done.
    static func run(
        _ request: IdempotentRequest, in context: APIContext, _ body: @escaping @Sendable (Connection) throws -> Reply
    ) async throws -> Response {
        let work: @Sendable (Connection) throws -> StoredResponse = { connection in
            try context.business.idempotency.run(request, on: connection) { try body(connection).stored }
        }
        do {
            return try await context.database.transaction(work).asResponse
        } catch let error as PostgresError where error.kind == .commitUnknown {
            return try await context.database.transaction(work).asResponse
        }
    }

    /// `/api/plans` and `/api/v1/plans` are one path.
    private static func canonical(_ path: String) -> String {
        for prefix in ["/api/v1/", "/api/"] where path.hasPrefix(prefix) { return "/" + path.dropFirst(prefix.count) }
        return path
    }
}
