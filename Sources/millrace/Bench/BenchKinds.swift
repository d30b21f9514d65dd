internal import Bytes
internal import Engine
internal import JSON
internal import Postgres

/// The kinds that the benchmarks run: their definitions and handlers.
///
/// The payload is 300 bytes, as the peers' is; the transaction kind does what theirs does: update one of a thousand balances, insert an entry.
enum BenchKinds {
    static let schema = """
        create table if not exists bench_balances (id integer primary key, balance bigint not null);
        insert into bench_balances select n, 0 from generate_series(1, 1000) n on conflict do nothing;
        create table if not exists bench_entries (
            id bigint generated always as identity primary key, account integer not null, amount bigint not null);
        """

    static func catalog(atomicLanes: Int, leased: Int) throws -> Catalog {
        try Catalog(
            jobs: [
                kind("bench.noop", "leased", "bench-leased"), kind("bench.atomic", "atomic", "bench-atomic"),
                kind("bench.txn", "atomic", "bench-atomic"),
                kind("bench.limited", "leased", "bench-leased", limits: #""limits": { "by": "key", "concurrency": 10 },"#),
            ],
            queues: [queue("bench-leased", 60, leased, 1000), queue("bench-atomic", 60, atomicLanes, 500)])
    }

    static var handlers: [JobHandler] {
        [
            .leased("bench.noop", NoopJob()), .leased("bench.limited", NoopJob()), .atomic("bench.atomic", AtomicNoopJob()),
            .atomic("bench.txn", TransactionJob()),
        ]
    }

    /// The limited kind's jobs take turns over so many keys.
    static func payload(_ number: Int, keys: Int) -> JSONValue {
        ["account": .int(Int64(number % 1000 + 1)), "key": .int(Int64(number % keys)), "fill": .string(String(repeating: "x", count: 258))]
    }

    private static func kind(_ kind: String, _ style: String, _ queue: String, limits: String = "") -> (file: String, text: String) {
        (
            "\(kind).json",
            """
            { "kind": "\(kind)", "summary": "A kind of the benchmarks.", "handler": "BenchJob", "style": "\(style)", "queue": "\(queue)",
              "maxAttempts": 5, "backoff": { "base": "1s", "cap": "1m" }, "timeout": "30s", "retention": "1d", \(limits)
              "payload": { "type": "object", "properties": { "account": { "type": "integer" }, "key": { "type": "integer" } } }, "example": {} }
            """
        )
    }

    private static func queue(_ name: String, _ batch: Int, _ concurrency: Int, _ prefetch: Int) -> (file: String, text: String) {
        (
            "\(name).json",
            """
            { "queue": "\(name)", "summary": "A queue of the benchmarks.", "type": "quorum", "overflow": "reject-publish",
              "deadLetter": "dead-letters",
              "prefetch": \(prefetch), "batch": \(batch), "concurrency": { "min": 1, "max": \(concurrency) } }
            """
        )
    }
}

private struct BenchPayload: Decodable, Sendable {
    var account: Int
}

private struct NoopJob: LeasedJob {
    @concurrent func run(_ payload: BenchPayload, in context: LeasedContext) async throws -> Outcome { .done() }
}

private struct AtomicNoopJob: AtomicJob {
    func run(_ payload: BenchPayload, in context: AtomicContext) throws -> Outcome { .done() }
}

private struct TransactionJob: AtomicJob {
    private static let update = Statement("bench.update", "update bench_balances set balance = balance + 1 where id = $1")
    private static let insert = Statement("bench.insert", "insert into bench_entries (account, amount) values ($1, 1)")

    func run(_ payload: BenchPayload, in context: AtomicContext) throws -> Outcome {
        try context.connection.run(Self.update, payload.account)
        try context.connection.run(Self.insert, payload.account)
        return .done()
    }
}
