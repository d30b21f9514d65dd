internal import JSON

/// From a full outbox to the last completion.
enum DrainBench: Benchmark {
    static let name = "drain"
    static let usage = """
        from a full outbox to the last completion
            --kind bench.noop|bench.limited|bench.atomic|bench.txn  --jobs 50000  --runs 3  --warmup 5000
        """
    static let options = ["--kind", "--jobs", "--runs", "--warmup"]

    static func run(_ arguments: Arguments) throws {
        let kind = try BenchContext.kind(arguments)
        let jobs = try arguments.number("--jobs", default: 50_000, least: 1)
        let runs = try arguments.number("--runs", default: 3, least: 1)
        let warmup = try arguments.number("--warmup", default: 5000)
        let context = try BenchContext(
            name, arguments, options: ["kind": .string(kind), "jobs": .int(Int64(jobs)), "runs": .int(Int64(runs)), "warmup": .int(Int64(warmup))])
        try context.withQueues {
            // Not counted: connections, plans and the first images of pages.
            if warmup > 0 { _ = try DrainRun(context: context, kind: kind, jobs: warmup).measured() }
            for _ in 0..<runs { context.report.record(kind, try DrainRun(context: context, kind: kind, jobs: jobs).measured()) }
        }
        context.report.end()
    }
}
