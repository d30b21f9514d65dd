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
            _ = try Pickup.of(context, producers, jobs: 200, rate: 200)
            if percent > 0 {
                for _ in 0..<runs { context.report.record("peak", try peak(context, producers, jobs: jobs)) }
                rate = (context.report.spread("peak", Self.peak)?.median ?? 0) * Double(percent) / 100
            }
            for _ in 0..<runs {
                let jobs = max(1, Int(rate * Double(seconds)))
                context.report.record(
                    percent > 0 ? "at \(percent) % of peak" : "at \(Int(rate)) jobs/s",
                    Pickup.sample(try Pickup.of(context, producers, jobs: jobs, rate: rate)))
            }
        }
        context.report.end()
    }

    /// The chain at full strength: producers as fast as they can, from the first enqueue to the last handler's entry.
    private static func peak(_ context: BenchContext, _ producers: Producers, jobs: Int) throws -> Sample {
        let before = context.meter.processor()
        let began = monotonicNanoseconds()
        _ = try Pickup.of(context, producers, jobs: jobs, rate: nil)
        var sample = Sample()
        sample.add(peak, Double(jobs) / (Double(monotonicNanoseconds() - began) / 1e9))
        sample.add(Meter.processor(before, context.meter.processor(), jobs: jobs))
        return sample
    }
}
