internal import Bytes
internal import Engine
internal import JSON
internal import Postgres

/// The kinds that the benchmarks run: their definitions and handlers.
///
/// The payload is 300 bytes, as the peers' is; the transaction kind does what theirs does: update one of a thousand balances, insert an entry.
enum BenchKinds {
    static let schema = """
        create table if not exists bench_balances (id integer primary key, balance bigint not null) with (fillfactor = 50);
        insert into bench_balances select n, 0 from generate_series(1, 1000) n on conflict do nothing;
        create table if not exists bench_entries (
            id bigint generated always as identity primary key, account integer not null, amount bigint not null, memo text,
            at timestamptz not null default now());
        """

    /// Of each key of the limited kind, at once.
    static let keyLimit = 10
    /// The key that `hot-key` floods; the others count from nought.
    private static let hotKey = -1

    static let all = ["bench.noop", "bench.limited", "bench.atomic", "bench.txn"]
    /// Of a queue that nobody serves: a backlog in the way.
    static let backlog = "bench.backlog"

    /// - Parameters:
    ///   - atomicLanes: how many transactions of atomic jobs run at once.
    ///   - leased: how many leased jobs run at once.
    ///   - keyLimit: how many limited jobs of one key run at once.
    static func catalog(atomicLanes: Int, leased: Int, keyLimit: Int = keyLimit) throws -> Catalog {
        try Catalog(
            jobs: [
                kind("bench.noop", "leased", "bench-leased"), kind("bench.atomic", "atomic", "bench-atomic"),
                kind("bench.txn", "atomic", "bench-atomic"), kind(backlog, "leased", "bench-backlog"),
                kind("bench.limited", "leased", "bench-leased", limits: #""limits": { "by": "key", "concurrency": \#(keyLimit) },"#),
            ],
            queues: [
                queue("bench-leased", 60, leased, 1000), queue("bench-atomic", 60, atomicLanes, 500), queue("bench-backlog", 60, 1, 100),
            ])
    }

    static func handlers(_ tally: Tally) -> [JobHandler] {
        [
            .leased("bench.noop", NoopJob(tally: tally)), .atomic("bench.atomic", AtomicNoopJob(tally: tally)),
            .atomic("bench.txn", TransactionJob(tally: tally)), .leased("bench.limited", LimitedJob(tally: tally)),
        ]
    }

    /// One of `accounts` accounts: the relay lets them take turns; a limited job has one of `keys` keys.
    static func job(_ kind: String, _ number: Int, accounts: Int, keys: Int = 100_000, isTimed: Bool = false) -> NewJob {
        let account = number * 7919 % max(accounts, 1)
        // Nought: jobs of the platform itself, one single flow.
        return job(kind, number, of: accounts == 0 ? nil : owner(account), balance: account % 1000 + 1, keys: keys, isTimed: isTimed)
    }

    static func job(
        _ kind: String, _ number: Int, of owner: Identifier?, balance: Int = 1, keys: Int, isTimed: Bool = false
    ) -> NewJob {
        var payload: JSONObject = [
            "account": .int(Int64(balance)), "key": .int(Int64(number % max(keys, 1))), "fill": .string(isTimed ? timedFill : fill),
        ]
        if isTimed { payload["number"] = .int(Int64(number)) }
        return NewJob(kind, .object(payload), account: owner)
    }

    /// A limited job of the hot key, which works for so many milliseconds.
    static func hotJob(work: Int, of owner: Identifier?) -> NewJob {
        NewJob(
            "bench.limited", ["account": 1, "key": .int(Int64(hotKey)), "work": .int(Int64(work)), "fill": .string(timedFill)], account: owner)
    }

    static func owner(_ account: Int) -> Identifier {
        Identifier(high: 0x0192_0000_0000_7000, low: 0x8000_0000_0000_0000 | UInt64(account))
    }

    private static let fill = String(repeating: "x", count: 263)
    private static let timedFill = String(repeating: "x", count: 243)

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
    var number: Int?
    /// Milliseconds, of a job of the hot key.
    var work: Int?
}

private struct NoopJob: LeasedJob {
    let tally: Tally

    @concurrent func run(_ payload: BenchPayload, in context: LeasedContext) async throws -> Outcome {
        tally.enter(context.job.id, number: payload.number)
        return .done()
    }
}

/// Nothing for the many keys; work that takes its time for the hot one, or its limit would mean nothing.
private struct LimitedJob: LeasedJob {
    let tally: Tally

    @concurrent func run(_ payload: BenchPayload, in context: LeasedContext) async throws -> Outcome {
        guard let work = payload.work else {
            tally.enter(context.job.id, number: payload.number)
            return .done()
        }
        tally.crowd.enter()
        defer { tally.crowd.leave() }
        try await Task.sleep(for: .milliseconds(work))
        return .done()
    }
}

private struct AtomicNoopJob: AtomicJob {
    let tally: Tally

    func run(_ payload: BenchPayload, in context: AtomicContext) throws -> Outcome {
        tally.enter(context.job.id, number: payload.number)
        return .done()
    }
}

private struct TransactionJob: AtomicJob {
    private static let update = Statement("bench.update", "update bench_balances set balance = balance - 1 where id = $1")
    private static let insert = Statement("bench.insert", "insert into bench_entries (account, amount, memo) values ($1, -1, $2)")

    let tally: Tally

    func run(_ payload: BenchPayload, in context: AtomicContext) throws -> Outcome {
        tally.enter(context.job.id, number: payload.number)
        try context.connection.run(Self.update, payload.account)
        try context.connection.run(Self.insert, payload.account, "job of the benchmark")
        return .done()
    }
}
