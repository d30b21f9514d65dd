internal import HTTPServer
internal import Postgres

/// How an operation of the description is carried out.
struct Operation: Sendable {
    /// What is left to do in the transaction, after what came before it.
    typealias Body = @Sendable (Connection) throws -> Reply

    enum Style: Sendable {
        /// Reads; on a lane, without a transaction.
        case read(@Sendable (Call, Connection) throws -> Reply)
        /// Changes: the closure does what is slow or asks others (hashing a password, judging a URL), and what it returns runs in one transaction,
        /// together with the record of the request's idempotency.
        case change(@Sendable (Call) async throws -> Body)
        /// Does everything itself.
        case direct(@Sendable (Call) async throws -> Response)
    }

    let style: Style

    static func read(_ body: @escaping @Sendable (Call, Connection) throws -> Reply) -> Operation { Operation(style: .read(body)) }

    static func change(_ body: @escaping @Sendable (Call, Connection) throws -> Reply) -> Operation {
        Operation(style: .change { call in { try body(call, $0) } })
    }

    /// A change with something before its transaction; `prepare` must have no effects, for it runs again when the request is repeated.
    static func change<Prepared: Sendable>(
        after prepare: @escaping @Sendable (Call) async throws -> Prepared,
        _ body: @escaping @Sendable (Call, Prepared, Connection) throws -> Reply
    ) -> Operation {
        Operation(
            style: .change { call in
                let prepared = try await prepare(call)
                return { try body(call, prepared, $0) }
            })
    }

    static func direct(_ body: @escaping @Sendable (Call) async throws -> Response) -> Operation { Operation(style: .direct(body)) }
}
