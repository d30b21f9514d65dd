internal import Bytes
internal import Clocks
internal import Engine
internal import JSON
internal import Lanes

/// The rounds of the hot-key benchmark.
///
/// Each begins with nothing: an empty ledger, empty queues, a new relay and worker. What the hot key was sent and did not run would take its limit
/// an hour, so it is thrown away. All are alike but for the company, down to the time before the measuring begins.
struct HotKeySeries {
    private static let sent = Measure(key: "company_sent_per_second", label: "sent beside them", unit: "jobs/s")
    private static let ran = Measure(key: "hot_ran_per_second", label: "hot key ran", unit: "jobs/s", digits: 1)
    private static let share = Measure(key: "hot_ran_to_allowed", label: "of what its limit lets through", unit: "%", digits: 1)
    private static let most = Measure(key: "hot_most_at_once", label: "hot key at once, most", unit: "")
    private static let cores = Measure(key: "cores_used", label: "cores used", unit: "", digits: 2)

    /// What else there is in a round.
    enum Company: String {
        case none = "alone"
        case hotKey = "with a hot key"
        /// The control, what the load by itself does: as many jobs of the same account, of keys that are never full, without work.
        case manyKeys = "with as many of other keys"
        /// What enqueueing them does by itself, under whatever limit: as many that are due tomorrow.
        case enqueued = "with as many for tomorrow"
    }

    let context: BenchContext
    /// Of the other keys, jobs a second.
    let rate: Double
    let seconds: Int
    let connections: Int
    let limit: Int
    /// Milliseconds of a job of the hot key.
    let work: Int
    let times: Int
    /// Seconds before the measuring, in which the hot key's backlog grows.
    let lead: Int

    /// Jobs a second that the limit lets through at most.
    private var allowed: Double { Double(limit) / (Double(work) / 1000) }

    func round(_ company: Company) throws {
        try context.clear()
        let bell = RelayBell(context.load)
        let rig = try BenchRig(context, queue: context.queue(of: "bench.limited"))
        rig.start()
        defer {
            rig.stop()
            bell.stop()
        }
        let others = Producers(context, kind: "bench.limited", connections: connections, batch: 1, isTimed: true, bell: bell)
        try others.connect()
        // Not counted: plans, pages, and the worker's connections.
        _ = try Pickup.of(context, others, jobs: 200, rate: 200)
        let flood = try flood(company, bell)
        // One job at least: its entry says that all goes on.
        _ = try Pickup.of(context, others, jobs: max(1, Int(rate) * lead), rate: rate)

        let before = (processor: context.meter.processor(), sent: flood?.committed ?? 0, ran: context.tally.crowd.count.ended)
        let began = monotonicNanoseconds()
        let jobs = try Pickup.of(context, others, jobs: Int(rate) * seconds, rate: rate)
        let elapsed = Double(monotonicNanoseconds() - began) / 1e9
        let (processor, crowd, sent) = (context.meter.processor(), context.tally.crowd.count, flood?.committed ?? 0)

        var sample = Pickup.sample(jobs)
        sample.add(Self.cores, Self.coresUsed(before.processor, processor, elapsed))
        if let flood {
            flood.cease()
            _ = try flood.finish()
            sample.add(Self.sent, Double(sent - before.sent) / elapsed)
        }
        if company == .hotKey {
            let ran = Double(crowd.ended - before.ran)
            sample.add(Self.ran, ran / elapsed)
            sample.add(Self.share, ran / elapsed / allowed * 100)
            sample.add(Self.most, Double(crowd.most))
        }
        context.report.record(company.rawValue, sample)
    }

    /// - Throws: when the limit was exceeded.
    func end() throws {
        let report = context.report
        ratio("ratio_p50", "p50", Pickup.half, .hotKey, to: .none)
        ratio("ratio_p99", "p99", Pickup.most, .hotKey, to: .none)
        ratio("ratio_p99_load", "p99", Pickup.most, .manyKeys, to: .none)
        ratio("ratio_p99_enqueue", "p99", Pickup.most, .enqueued, to: .none)
        ratio("ratio_p99_limit", "p99", Pickup.most, .hotKey, to: .enqueued)
        let peak = Int(report.spread(Company.hotKey.rawValue, Self.most)?.maximum ?? 0)
        report.fact("hot_limit", "\(peak) ran at once at most, \(limit) may", ["most": .int(Int64(peak)), "limit": .int(Int64(limit))])
        if peak < limit { report.warn("the hot key never filled its limit: these rounds say nothing about it") }
        if let sent = report.spread(Company.hotKey.rawValue, Self.sent)?.minimum, sent < allowed * Double(times) * 0.9 {
            report.warn(
                "the hot key was sent \(Int(sent / allowed)) times what its limit lets through, not \(times) times: it could not be sent faster")
        }
        report.end()
        if peak > limit { throw CommandFailure(.failure, "the limit was exceeded: \(peak) jobs of the hot key ran at once, \(limit) may") }
    }

    private func ratio(_ key: String, _ name: String, _ measure: Measure, _ company: Company, to other: Company) {
        context.report.pairs(
            key, "\(name) of the others \(company.rawValue) to theirs \(other.rawValue)", of: company.rawValue, to: other.rawValue, measure)
    }

    private func flood(_ company: Company, _ bell: RelayBell) throws -> Producers? {
        guard company != .none else { return nil }
        context.tally.crowd.reset()
        let wanted = allowed * Double(times)
        let (work, keys) = (work, context.keys)
        // An account that is none of the others'.
        let owner = context.accounts == 0 ? nil : BenchKinds.owner(context.accounts)
        // A hundred transactions a second, or more of a thousand jobs where that does not do.
        let batch = min(1000, max(1, Int(wanted / 100)))
        let flood = Producers(context, connections: 1, batch: batch, bell: bell) { number in
            if company == .hotKey { return BenchKinds.hotJob(work: work, of: owner) }
            var job = BenchKinds.job("bench.limited", number, of: owner, keys: keys)
            if company == .enqueued { job.runAt = Instant.now + .seconds(86_400) }
            return job
        }
        try flood.connect()
        // In step with the others, it would meet the same ones again and again, or none of them.
        flood.start(jobs: Int(wanted * 3600), rate: wanted, isUneven: true)
        return flood
    }

    /// Of this process and both servers; nil when one of them cannot be seen.
    private static func coresUsed(_ before: Meter.Processor, _ after: Meter.Processor, _ seconds: Double) -> Double? {
        let parts = [(before.own, after.own), (before.postgres, after.postgres), (before.broker, after.broker)]
        let spent = parts.compactMap { one, other in one.flatMap { one in other.map { $0 - one } } }
        return spent.count == parts.count ? spent.reduce(0, +) / seconds : nil
    }
}
