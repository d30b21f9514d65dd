internal import Bytes
internal import Clocks
internal import Engine
internal import Faults
internal import Lanes
internal import Postgres
internal import RabbitMQ

/// One fault of the broker under a steady load.
///
/// The load's schedule is open and its jobs are numbered, so the job that has waited longest is known without a question to the ledger: the first number
/// that has not entered its handler, and when that was due. All is as before when no job is late any more, for three seconds on end, and the relay
/// publishes and the worker consumes again.
struct OutageRun {
    private static let before = Measure(key: "before_per_second", label: "rate before", unit: "jobs/s")
    private static let lost = Measure(key: "messages_lost", label: "waiting messages lost", unit: "")
    private static let away = Measure(key: "away_per_second", label: "rate while away", unit: "jobs/s")
    private static let share = Measure(key: "away_share", label: "of the rate before", unit: "%", digits: 1)
    private static let behind = Measure(key: "behind_at_return", label: "jobs behind at the return", unit: "")
    private static let silence = Measure(key: "silence_seconds", label: "longest silence", unit: "s", digits: 2)
    private static let wait = Measure(key: "longest_wait_seconds", label: "longest wait of a job", unit: "s", digits: 2)
    private static let consuming = Measure(key: "connected_after_seconds", label: "connected again after", unit: "s", digits: 2)
    private static let full = Measure(key: "full_after_seconds", label: "no job late after", unit: "s", digits: 2)
    private static let again = Measure(key: "run_again", label: "jobs run more than once", unit: "")

    /// How long all must have been as before.
    private static let steady = Duration.seconds(3)

    let context: BenchContext
    let broker: BrokerSettings
    let fault: BrokerFault
    let kind: String
    /// Jobs a second.
    let rate: Double
    let connections: Int
    let batch: Int
    let settle: Duration
    let away: Duration
    /// A job that has waited longer is late.
    let late: Duration
    /// Jobs that are enqueued at once just before the fault, so that messages wait at the broker.
    let burst: Int
    let limit: Duration

    func measured() throws -> Sample {
        let proxy = FaultProxy(to: broker.host, port: Int(broker.port))
        defer { proxy.stop() }
        var detour = broker
        (detour.host, detour.port) = ("127.0.0.1", UInt16(proxy.port))
        let bell = RelayBell(context.load)
        let rig = try BenchRig(context, queue: context.queue(of: kind), broker: detour)
        defer {
            // Open, so that the stop need not wait for a broker that is not there.
            proxy.restore()
            rig.stop()
            bell.stop()
        }
        // The numbers of the steady load, then those of the burst.
        let most = Int(rate * Double((settle + away + limit * 3).components.seconds))
        context.tally.reset(numbers: most + burst)
        let load = Producers(context, kind: kind, connections: connections, batch: batch, isTimed: true, bell: bell)
        let crest = Producers(context, connections: 1, batch: 1000, bell: bell) { [kind, accounts = context.accounts, keys = context.keys] in
            BenchKinds.job(kind, most + $0, accounts: accounts, keys: keys, isTimed: true)
        }
        try load.connect()
        try crest.connect()
        rig.start()
        var log = OutageLog(
            tally: context.tally, metrics: rig.metrics, load: load, began: load.start(jobs: most, rate: rate), rate: rate, batch: batch, numbers: most
        )
        try log.read(until: { $0.isCalm(for: settle, late: late) }, within: limit, "the load has not become steady")
        let settled = log.last.at

        if burst > 0 {
            crest.start(jobs: burst, rate: nil)
            log.expect(most..<most + burst)
        }
        let lost = try strike(proxy)
        let struck = monotonicNanoseconds()
        if fault.lasts { try log.read(until: { $0.last.at - struck >= away.microseconds * 1000 }, within: away * 2, "the clock stands still") }
        let atReturn = log.take()
        fault.mend(proxy)
        let mended = monotonicNanoseconds()
        // Whoever has not noticed yet that its connection is gone notices within the calm that is asked for.
        try log.read(
            until: { $0.last.at - mended > Self.steady.microseconds * 1000 && $0.isCalm(for: Self.steady, late: late) }, within: limit,
            "not all is as before")
        load.cease()
        let numbers = try load.finish().map { $0.first..<$0.first + $0.jobs }
        if burst > 0 { _ = try crest.finish() }
        try confirm(numbers + [most..<most + burst])

        var sample = Sample()
        let rateBefore = log.rate(from: settled - settle.microseconds * 1000, to: settled)
        let rateAway = fault.lasts ? log.rate(from: struck, to: atReturn.at) : nil
        sample.add(Self.before, rateBefore)
        sample.add(Self.lost, lost.map(Double.init))
        sample.add(Self.away, rateAway)
        sample.add(Self.share, rateAway.map { $0 / rateBefore * 100 })
        sample.add(Self.behind, fault.lasts ? Double(max(0, atReturn.committed - atReturn.entered)) : nil)
        sample.add(Self.silence, log.longestSilence(from: struck))
        sample.add(Self.wait, log.longestWait(from: struck))
        sample.add(Self.consuming, log.seconds(from: mended) { $0.isConnected })
        sample.add(Self.full, log.seconds(from: mended) { $0.wait <= late.microseconds * 1000 })
        sample.add(Self.again, Double(context.tally.count - context.tally.different))
        if let lost, lost == 0, !fault.lasts {
            context.report.warn("no message waited when the queue was \(fault.rawValue): a larger --burst is needed")
        }
        return sample
    }

    private func strike(_ proxy: FaultProxy) throws -> Int? {
        let topology = context.topology
        let queue = context.queue(of: kind)
        let others = context.catalog.queues.keys.filter { $0 != queue } + [Topology.deadLetters]
        return try fault.strike(proxy, queue: topology.name(queue), others: others.map(topology.name), at: broker)
    }

    /// Nothing that was committed is lost.
    private func confirm(_ numbers: [Range<Int>]) throws {
        let deadline = ContinuousClock.now + limit
        while true {
            let entered = context.tally.entered
            let missing = numbers.reduce(0) { $0 + $1.count { entered[$0] == 0 } }
            let left: Int = try context.connection.run(.once("select count(*) as n from jobs where kind = $1"), kind).only()("n")
            if missing == 0, left == 0 { return }
            if ContinuousClock.now > deadline {
                throw CommandFailure(.failure, "\(missing) committed jobs have not run, and \(left) are left in the ledger")
            }
            pause(.milliseconds(50))
        }
    }
}
