internal import Bytes
internal import Lanes
internal import Postgres
internal import Synchronization

/// How fast jobs end, looked up four times a second in the database; while that is away there are no readings.
final class RateMeter: Sendable {
    struct Reading: Sendable {
        /// Monotonic nanoseconds.
        var at: Int64
        var ended: Int
        /// Seconds that the oldest due job has been waiting.
        var oldest: Double
    }

    private let rig: ChaosRig
    private let readings = Mutex<[Reading]>([])
    private let stopping = Mailbox<Never>()
    private let thread = Mutex<Thread?>(nil)

    private static let look = Statement.once(
        """
        select (select count(*) from finished_jobs) as ended,
               coalesce((select extract(epoch from now() - min(run_at))::float8 from outbox where run_at <= now()), 0) as oldest
        """)

    init(_ rig: ChaosRig) { self.rig = rig }

    func start() {
        thread.withLock { $0 = Thread("meter") { [self] in run() } }
    }

    func stop() {
        stopping.close()
        thread.withLock { $0 }?.join()
    }

    private func run() {
        while !stopping.isClosed {
            guard let connection = try? rig.connect(within: .zero) else {
                _ = stopping.take(timeout: .milliseconds(250))
                continue
            }
            while !stopping.isClosed, let row = try? connection.run(Self.look).only() {
                guard let ended: Int = try? row("ended"), let oldest: Double = try? row("oldest") else { break }
                readings.withLock { $0.append(Reading(at: monotonicNanoseconds(), ended: ended, oldest: oldest)) }
                _ = stopping.take(timeout: .milliseconds(250))
            }
        }
    }

    /// Jobs a second over the last so many seconds; nil without readings over that time.
    func rate(over seconds: Int64) -> Double? {
        let all = readings.withLock { $0 }
        guard let last = all.last, monotonicNanoseconds() - last.at < 1_000_000_000,
            let first = all.last(where: { $0.at <= last.at - seconds * 1_000_000_000 })
        else { return nil }
        return Double(last.ended - first.ended) / (Double(last.at - first.at) / 1e9)
    }

    /// Waits until jobs end as fast again as they did and none waits for long; nil when that does not come.
    func wait(for baseline: Double, within limit: Duration) -> Duration? {
        let began = ContinuousClock.now
        while ContinuousClock.now - began < limit {
            let oldest = readings.withLock { $0.last?.oldest } ?? 99
            if let rate = rate(over: 1), rate >= baseline * 0.8, oldest < 2 { return ContinuousClock.now - began }
            pause(.milliseconds(100))
        }
        return nil
    }
}
