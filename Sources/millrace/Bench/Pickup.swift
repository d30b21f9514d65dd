internal import Bytes
internal import Lanes

/// A job's way from the return of its enqueuing COMMIT to its handler's entry.
struct Pickup {
    static let rate = Measure(key: "rate_per_second", label: "rate", unit: "jobs/s")
    static let half = Measure(key: "pickup_p50_ms", label: "commit to handler p50", unit: "ms", digits: 2)
    static let most = Measure(key: "pickup_p99_ms", label: "commit to handler p99", unit: "ms", digits: 2)
    static let worst = Measure(key: "pickup_max_ms", label: "commit to handler max", unit: "ms", digits: 2)
    private static let dueMost = Measure(key: "due_p99_ms", label: "due to handler p99", unit: "ms", digits: 2)
    private static let early = Measure(key: "before_commit_returned", label: "entered before the commit returned", unit: "%", digits: 1)

    var commit: Producers.Commit
    /// Nanoseconds of the monotonic clock.
    var entered: Int64

    /// Enqueues the jobs and waits until each has entered its handler.
    static func of(_ context: BenchContext, _ producers: Producers, jobs: Int, rate: Double?) throws -> [Pickup] {
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
        return commits.flatMap { commit in (commit.first..<commit.first + commit.jobs).map { Pickup(commit: commit, entered: entered[$0]) } }
    }

    static func sample(_ jobs: [Pickup]) -> Sample {
        // On another thread the handler may be entered before the producer sees that its COMMIT returned: nought, and counted.
        let pickup = Spread(jobs.map { Double(max(0, $0.entered - $0.commit.ended)) / 1e6 })
        let due = Spread(jobs.map { Double($0.entered - $0.commit.due) / 1e6 })
        let began = jobs.map(\.commit.began).min() ?? 0
        let ended = jobs.map(\.commit.ended).max() ?? 0
        var sample = Sample()
        sample.add(rate, Double(jobs.count) / max(Double(ended - began) / 1e9, 1e-9))
        sample.add(half, pickup?.percentile(0.5))
        sample.add(most, pickup?.percentile(0.99))
        sample.add(worst, pickup?.maximum)
        sample.add(dueMost, due?.percentile(0.99))
        sample.add(early, Double(jobs.count { $0.entered < $0.commit.ended }) / Double(max(jobs.count, 1)) * 100)
        return sample
    }
}
