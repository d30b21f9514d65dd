internal import JSON
internal import Lanes
internal import Postgres

/// Whether the drain gets slower as tables grow, a backlog waits, or old snapshots keep vacuum from its work.
enum GrowthBench: Benchmark {
    static let name = "growth"
    static let usage = """
        the drain with finished jobs, with a backlog on top, and under overlapping old snapshots, each in turn with one in a second database
        that has nothing of it; prints the ratios
            --finished 10000000  --backlog 1000000  --backlog-in other|same|scheduled  --snapshots 3  --snapshot-seconds 120
            --snapshot-run 240 (seconds of drains under them)  --kind bench.noop  --jobs 50000  --runs 3;  0 leaves a part out
        """
    static let options = [
        "--finished", "--backlog", "--backlog-in", "--snapshots", "--snapshot-seconds", "--snapshot-run", "--kind", "--jobs", "--runs",
    ]

    static func run(_ arguments: Arguments) throws {
        let kind = try BenchContext.kind(arguments)
        let jobs = try arguments.number("--jobs", default: 50_000, least: 1)
        let runs = try arguments.number("--runs", default: 3, least: 1)
        let finished = try arguments.number("--finished", default: 10_000_000)
        let backlog = try arguments.number("--backlog", default: 1_000_000)
        let snapshots = try arguments.number("--snapshots", default: 3)
        let age = try arguments.number("--snapshot-seconds", default: 120, least: 1)
        let duration = try arguments.number("--snapshot-run", default: 240, least: 1)
        let place = arguments.value("--backlog-in") ?? "other"
        guard let place = BacklogPlace(rawValue: place) else {
            throw CommandFailure.usage("--backlog-in takes other, same or scheduled, not \"\(place)\"")
        }
        let numbers = [
            ("jobs", jobs), ("runs", runs), ("finished", finished), ("backlog", backlog), ("snapshots", snapshots), ("snapshot-seconds", age),
            ("snapshot-run", duration),
        ]
        var options: JSONObject = ["kind": .string(kind), "backlog-in": .string(place.rawValue)]
        for (key, value) in numbers { options[key] = .int(Int64(value)) }
        let context = try BenchContext(name, arguments, options: options)
        try context.withQueues {
            try context.withTwin { twin in
                let series = GrowthSeries(context: context, twin: twin, kind: kind, jobs: jobs, runs: runs)
                for context in [context, twin] { _ = try DrainRun(context: context, kind: kind, jobs: min(jobs, 5000)).measured() }
                if finished > 0 {
                    try series.fillFinished(finished)
                    try series.drain("finished")
                }
                if backlog > 0 {
                    try series.fillBacklog(backlog, place)
                    try series.drain(finished > 0 ? "finished and backlog" : "backlog", leavesRest: place == .same)
                }
                try BenchDatabase.empty(context.connection)
                if snapshots > 0 { try series.drain("snapshots", under: snapshots, age: .seconds(age), duration: .seconds(duration)) }
                series.showRatios()
            }
        }
        context.report.end()
        try BenchDatabase.empty(context.connection)
    }
}

/// Where the backlog waits while other jobs are drained.
enum BacklogPlace: String {
    /// Ready, in a queue that nobody serves.
    case other
    /// Ready, in front of the measured jobs: as many as are enqueued are drained.
    case same
    /// Due tomorrow, in the queue that is drained.
    case scheduled
}
