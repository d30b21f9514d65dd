internal import Bytes
internal import Engine
internal import JSON
internal import Lanes
internal import Postgres

/// From the return of the enqueuing COMMIT to the handler's entry, at a fixed rate or at a share of what the whole chain can do.
enum LatencyBench: Benchmark {
    static let name = "latency"
    static let usage = """
        from the enqueuing commit to the handler's entry, relay and worker in this process
            --rate 200  --seconds 10  --kind bench.noop  --connections 4  --batch 1  --runs 3
            --percent 70 instead of --rate: of the peak, which is measured first with --jobs 50000
        """
    static let options = ["--rate", "--percent", "--seconds", "--kind", "--connections", "--batch", "--jobs", "--runs"]

    private static let rate = Measure(key: "rate_per_second", label: "rate", unit: "jobs/s")
    private static let half = Measure(key: "pickup_p50_ms", label: "commit to handler p50", unit: "ms", digits: 2)
    private static let most = Measure(key: "pickup_p99_ms", label: "commit to handler p99", unit: "ms", digits: 2)
    private static let worst = Measure(key: "pickup_max_ms", label: "commit to handler max", unit: "ms", digits: 2)
    private static let dueMost = Measure(key: "due_p99_ms", label: "due to handler p99", unit: "ms", digits: 2)
    private static let early = Measure(key: "before_commit_returned", label: "entered before the commit returned", unit: "%", digits: 1)
    private static let peak = Measure(key: "peak_per_second", label: "enqueue and run", unit: "jobs/s")

    static func run(_ arguments: Arguments) throws {
        let kind = try BenchContext.kind(arguments)
        let percent = try arguments.number("--percent", default: 0)
        if percent > 0, arguments.isGiven("--rate") { throw CommandFailure.usage("--rate and --percent exclude each other") }
        // At thousands a second one job a transaction would measure commits, not pickup.
        let batch = try arguments.number("--batch", default: percent > 0 ? 10 : 1, least: 1)
        let seconds = try arguments.number("--seconds", default: 10, least: 1)
        let connections = try arguments.number("--connections", default: 4, least: 1)
        let runs = try arguments.number("--runs", default: 3, least: 1)
        let jobs = try arguments.number("--jobs", default: 50_000, least: 1)
        var rate = Double(try arguments.number("--rate", default: 200, least: 1))
        var options: JSONObject = ["kind": .string(kind)]
        let numbers = ["batch": batch, "seconds": seconds, "connections": connections, "runs": runs]
        for (key, value) in numbers.sorted(by: { $0.key < $1.key }) { options[key] = .int(Int64(value)) }
        options[percent > 0 ? "percent" : "rate"] = .int(Int64(percent > 0 ? percent : Int(rate)))
        if percent > 0 { options["jobs"] = .int(Int64(jobs)) }
        let context = try BenchContext(name, arguments, options: options)
        try context.withQueues {
            let bell = RelayBell(context.load)
            let rig = try BenchRig(context, queue: context.queue(of: kind))
            rig.start()
            defer {
                rig.stop()
                bell.stop()
            }
            let producers = Producers(context, kind: kind, connections: connections, batch: batch, isTimed: true, bell: bell)
            try producers.connect()
            // Not counted: plans, pages, and the worker's connections.
            _ = try round(context, producers, jobs: 200, rate: 200)
            if percent > 0 {
                for _ in 0..<runs { context.report.record("peak", try peak(context, producers, jobs: jobs)) }
                rate = (context.report.spread("peak", Self.peak)?.median ?? 0) * Double(percent) / 100
            }
            for _ in 0..<runs {
                let jobs = max(1, Int(rate * Double(seconds)))
                context.report.record(
                    percent > 0 ? "at \(percent) % of peak" : "at \(Int(rate)) jobs/s",
                    sample(try round(context, producers, jobs: jobs, rate: rate), rate: rate))
            }
        }
        context.report.end()
    }

    /// The chain at full strength: producers as fast as they can, from the first enqueue to the last handler's entry.
    private static func peak(_ context: BenchContext, _ producers: Producers, jobs: Int) throws -> Sample {
        let before = context.meter.processor()
        let began = monotonicNanoseconds()
        _ = try round(context, producers, jobs: jobs, rate: nil)
        var sample = Sample()
        sample.add(peak, Double(jobs) / (Double(monotonicNanoseconds() - began) / 1e9))
        sample.add(Meter.processor(before, context.meter.processor(), jobs: jobs))
        return sample
    }

    /// Each job's commit with the time at which its handler was entered.
    private static func round(
        _ context: BenchContext, _ producers: Producers, jobs: Int, rate: Double?
    ) throws -> [(commit: Producers.Commit, entered: Int64)] {
        context.tally.reset(numbers: jobs)
        let commits = try producers.run(jobs: jobs, rate: rate)
        let deadline = ContinuousClock.now + .seconds(60)
        // Once a job was run twice the count is reached too early: then some have no time yet.
        while context.tally.count < jobs || context.tally.entered.contains(0) {
            if ContinuousClock.now > deadline {
                throw CommandFailure(.failure, "only \(context.tally.count) of \(jobs) jobs have started after 60 s")
            }
            pause(.milliseconds(5))
        }
        let entered = context.tally.entered
        return commits.flatMap { commit in (commit.first..<commit.first + commit.jobs).map { (commit, entered[$0]) } }
    }

    private static func sample(_ jobs: [(commit: Producers.Commit, entered: Int64)], rate: Double) -> Sample {
        // On another thread the handler may be entered before the producer sees that its COMMIT returned: nought, and counted.
        let pickup = Spread(jobs.map { Double(max(0, $0.entered - $0.commit.ended)) / 1e6 })
        let due = Spread(jobs.map { Double($0.entered - $0.commit.due) / 1e6 })
        let began = jobs.map(\.commit.began).min() ?? 0
        let ended = jobs.map(\.commit.ended).max() ?? 0
        var sample = Sample()
        sample.add(Self.rate, Double(jobs.count) / max(Double(ended - began) / 1e9, 1e-9))
        sample.add(half, pickup?.percentile(0.5))
        sample.add(most, pickup?.percentile(0.99))
        sample.add(worst, pickup?.maximum)
        sample.add(dueMost, due?.percentile(0.99))
        sample.add(early, Double(jobs.count { $0.entered < $0.commit.ended }) / Double(max(jobs.count, 1)) * 100)
        return sample
    }
}
