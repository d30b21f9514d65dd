internal import Bytes
internal import Engine
internal import JSON
internal import Lanes
internal import Postgres

/// Jobs per second into the outbox, while nothing takes them out.
enum EnqueueBench: Benchmark {
    static let name = "enqueue"
    static let usage = """
        into the outbox, one job a transaction from 16 connections; with --bulk a thousand a transaction from 2
            --jobs 50000 (500000 with --bulk)  --connections N  --batch N  --runs 3
        """
    static let flags = ["--bulk"]
    static let options = ["--jobs", "--connections", "--batch", "--runs"]

    private static let rate = Measure(key: "enqueue_per_second", label: "enqueue", unit: "jobs/s")
    private static let half = Measure(key: "commit_p50_ms", label: "commit p50", unit: "ms", digits: 2)
    private static let most = Measure(key: "commit_p99_ms", label: "commit p99", unit: "ms", digits: 2)

    static func run(_ arguments: Arguments) throws {
        let bulk = arguments.has("--bulk")
        let jobs = try arguments.number("--jobs", default: bulk ? 500_000 : 50_000, least: 1)
        let connections = try arguments.number("--connections", default: bulk ? 2 : 16, least: 1)
        let batch = try arguments.number("--batch", default: bulk ? 1000 : 1, least: 1)
        let runs = try arguments.number("--runs", default: 3, least: 1)
        let context = try BenchContext(
            name, arguments,
            options: [
                "jobs": .int(Int64(jobs)), "connections": .int(Int64(connections)), "batch": .int(Int64(batch)), "runs": .int(Int64(runs)),
            ])
        for _ in 0..<runs {
            // Every run fills empty tables.
            try BenchDatabase.empty(context.connection)
            context.report.record(bulk ? "bulk" : "single", try measured(context, jobs: jobs, connections: connections, batch: batch))
        }
        try BenchDatabase.empty(context.connection)
        context.report.end()
    }

    private static func measured(_ context: BenchContext, jobs: Int, connections: Int, batch: Int) throws -> Sample {
        let bell = RelayBell(context.load)
        let producers = Producers(context, kind: "bench.noop", connections: connections, batch: batch, bell: bell)
        try producers.connect()
        let meter = context.meter
        let log = try meter.log()
        let before = meter.processor()
        let began = monotonicNanoseconds()
        let commits = try producers.run(jobs: jobs, rate: nil)
        let seconds = Double(monotonicNanoseconds() - began) / 1e9
        let after = meter.processor()
        producers.close()
        bell.stop()
        var sample = Sample()
        sample.add(rate, Double(jobs) / seconds)
        let times = Spread(commits.map { Double($0.ended - $0.began) / 1e6 })
        sample.add(half, times?.percentile(0.5))
        sample.add(most, times?.percentile(0.99))
        sample.add(Meter.processor(before, after, jobs: jobs))
        sample.add(Meter.log(log, try meter.settledLog(), jobs: jobs))
        return sample
    }
}
