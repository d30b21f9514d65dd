internal import Engine
internal import Postgres

/// The drains of the growth benchmark and what lies around them.
///
/// Each has one beside it, in a database of the same server that holds nothing: a machine that is slower for a minute is slower for both.
struct GrowthSeries {
    let context: BenchContext
    let twin: BenchContext
    let kind: String
    let jobs: Int
    let runs: Int

    func drain(_ name: String, leavesRest: Bool = false) throws {
        // What waits in the queue already would run while the others are enqueued.
        if leavesRest { return try (0..<runs).forEach { try pair(name, $0, leavesRest: true, on: nil) } }
        try withRigs { rigs in
            for run in 0..<runs { try pair(name, run, on: rigs) }
        }
    }

    /// Drains again and again while snapshots of the given age overlap; what vacuum may not take away piles up from run to run.
    func drain(_ name: String, under count: Int, age: Duration, duration: Duration) throws {
        let snapshots = try OldSnapshots(context.connection.settings, count: count, age: age)
        let end = ContinuousClock.now + duration
        try withRigs { rigs in
            var run = 0
            repeat {
                try snapshots.turn()
                try pair(name, run, on: rigs)
                run += 1
            } while ContinuousClock.now < end
        }
    }

    private typealias Rigs = (own: BenchRig, twin: BenchRig)

    /// Relay, worker and scheduler stay up from drain to drain, as those of a platform do.
    private func withRigs(_ body: (Rigs) throws -> Void) throws {
        let rigs = (own: try BenchRig(context, queue: context.queue(of: kind)), twin: try BenchRig(twin, queue: twin.queue(of: kind)))
        for rig in [rigs.own, rigs.twin] { rig.start() }
        defer { for rig in [rigs.own, rigs.twin] { rig.stop() } }
        try body(rigs)
    }

    /// One drain with what is to be measured, one with nothing; there and back.
    private func pair(_ name: String, _ run: Int, leavesRest: Bool = false, on rigs: Rigs?) throws {
        func own() throws {
            let run = DrainRun(context: context, kind: kind, jobs: jobs, leavesRest: leavesRest, standing: rigs?.own)
            context.report.record(name, try run.measured())
        }
        func empty() throws {
            context.report.record(Self.beside(name), try DrainRun(context: twin, kind: kind, jobs: jobs, standing: rigs?.twin).measured())
        }
        for drain in run % 2 == 0 ? [empty, own] : [own, empty] { try drain() }
    }

    private static func beside(_ name: String) -> String { "nothing, beside \(name)" }

    /// Ended jobs of the last days, set-based: their partitions and indexes are as large as real ones.
    func fillFinished(_ count: Int) throws {
        context.report.line("filling \(count) finished jobs")
        let statement = Statement(
            "bench.finished",
            """
            insert into finished_jobs (id, account_id, created_at, run_at, started_at, finished_at, expires_on, attempt, max_attempts, priority, runs,
                                       state, kind, queue, payload)
            select \(Self.id), \(Self.account), at, at, at, at + interval '1 second', current_date + 1 + (n * 30 / $3)::integer, 1, 5, 0, 1,
                   'completed', $5, $6, \(Self.payload)
            from (select n, now() - interval '30 days' + interval '30 days' * (n::float8 / $3) as at from generate_series($1::bigint, $2::bigint) n) rows
            where $4::bigint >= 0
            """)
        try chunks(of: count) { first, last in
            try context.connection.run(
                statement, Int64(first), Int64(last), Int64(count), Int64(context.accounts), kind, context.queue(of: kind))
        }
        try settle()
    }

    /// Jobs that wait, as `enqueue` would have written them.
    func fillBacklog(_ count: Int, _ place: BacklogPlace) throws {
        context.report.line("filling a backlog of \(count) jobs (\(place.rawValue))")
        let kind = place == .other ? BenchKinds.backlog : kind
        let statement = Statement(
            "bench.backlog",
            """
            with rows as (
                select \(Self.id) as id, \(Self.account) as account_id, at, now() + $7::float8 * interval '1 second' as run_at, \(Self.payload) as payload
                from (select n, now() as at from generate_series($1::bigint, $2::bigint) n) numbers where $3::bigint >= 0
            ), new as (
                insert into jobs (id, account_id, created_at, run_at, max_attempts, kind, queue, payload)
                select id, account_id, at, run_at, 5, $5, $6, payload from rows
            )
            insert into outbox (job_id, account_id, run_at, state, queue, kind)
            select id, coalesce(account_id, '00000000-0000-0000-0000-000000000000'), run_at, $8, $6, $5 from rows
            """)
        let delay = place == .scheduled ? 86_400.0 : 0
        try chunks(of: count) { first, last in
            try context.connection.run(
                statement, Int64(first), Int64(last), Int64(count), Int64(context.accounts), kind, context.queue(of: kind), delay,
                place == .scheduled ? "scheduled" : "ready")
        }
        try settle()
    }

    func showRatios() {
        let report = context.report
        for name in ["finished", "finished and backlog", "backlog", "snapshots"] {
            let key = "ratio_" + name.split(separator: " ").joined(separator: "_")
            report.pairs(key, "drain with \(name) to drain with nothing beside it", of: name, to: Self.beside(name), DrainRun.rate)
        }
        report.pairs(
            "ratio_snapshots_end", "the last third of the drains under snapshots to those beside them", of: "snapshots", to: Self.beside("snapshots"),
            DrainRun.rate, last: 1 / 3)
    }

    private func chunks(of count: Int, _ body: (Int, Int) throws -> Void) throws {
        let size = 500_000
        for first in stride(from: 0, to: count, by: size) {
            try body(first, min(first + size, count) - 1)
            if count > size { context.report.line("  \(min(first + size, count))") }
        }
    }

    private func settle() throws {
        for table in ["jobs", "outbox", "finished_jobs"] { try context.connection.script("vacuum (analyze) \(table)") }
        try BenchDatabase.checkpoint(context.connection)
    }

    /// UUIDs of version 7, rising with `n` as real ones rise with time.
    private static let id = """
        (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || substr(md5(n::text), 1, 15))::uuid
        """

    /// The same accounts as `BenchKinds.job` has.
    private static let account = """
        case when $4::bigint > 0 then ('01920000-0000-7000-8000-' || lpad(to_hex(n * 7919 % greatest($4::bigint, 1)), 12, '0'))::uuid end
        """

    private static let payload = """
        json_build_object('account', n % 1000 + 1, 'fill', repeat('x', 275))
        """
}
