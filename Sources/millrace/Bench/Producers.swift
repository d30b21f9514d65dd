internal import Bytes
internal import Engine
internal import Lanes
internal import Postgres
internal import Synchronization

/// Threads that enqueue, each on a connection of its own: as fast as they can, or on a fixed schedule.
///
/// The schedule is open: a transaction that is late does not delay the ones after it, and each keeps the time at which it was due. A slow server cannot
/// hide behind a producer that waits for it.
final class Producers {
    /// One transaction, in nanoseconds of the monotonic clock.
    struct Commit: Sendable {
        /// The first job's number.
        var first: Int
        var jobs: Int
        /// When it should have begun; when it did, as fast as they can.
        var due: Int64
        var began: Int64
        var ended: Int64
    }

    private let make: @Sendable (Int) -> NewJob
    private let ledger: Ledger
    private let batch: Int
    private let settings: ConnectionSettings
    private let count: Int
    private var threads: [Thread] = []
    private var orders: [Mailbox<Order>] = []
    private let answers = Mailbox<Result<[Commit], any Error>>()
    private var progress = Progress()

    private struct Order: Sendable {
        var jobs: Int
        /// Transactions per second over all producers.
        var rate: Double?
        /// Each at a random moment of its own stretch of time, in step with nobody else's schedule.
        var isUneven: Bool
        var began: Int64
        var progress: Progress
    }

    /// How far an order is, and whether it is to end early.
    private final class Progress: Sendable {
        let committed = Atomic<Int>(0)
        let isOver = Atomic<Bool>(false)
    }

    convenience init(_ context: BenchContext, kind: String, connections: Int, batch: Int, isTimed: Bool = false, bell: RelayBell) {
        let (accounts, keys) = (context.accounts, context.keys)
        self.init(context, connections: connections, batch: batch, bell: bell) {
            BenchKinds.job(kind, $0, accounts: accounts, keys: keys, isTimed: isTimed)
        }
    }

    /// - Parameter make: a job by its number.
    init(_ context: BenchContext, connections: Int, batch: Int, bell: RelayBell, make: @escaping @Sendable (Int) -> NewJob) {
        self.make = make
        ledger = Ledger(catalog: context.catalog, bell: bell)
        settings = context.load
        self.batch = batch
        count = connections
    }

    /// Opens the connections and prepares the statement, so that no run pays for it.
    func connect() throws {
        for index in 0..<count {
            let orders = Mailbox<Order>()
            let (settings, ledger, batch, count, make, answers) = (settings, ledger, batch, count, make, answers)
            threads.append(
                Thread("producer-\(index)") {
                    do {
                        let connection = try Connection(settings)
                        try? connection.transaction { connection in
                            try ledger.enqueue(make(0), on: connection)
                            throw Rehearsed()
                        }
                        answers.put(.success([]))
                        while let order = orders.take() {
                            let result = Result {
                                try Self.work(order, index: index, of: count, batch: batch, connection: connection, ledger: ledger, make: make)
                            }
                            answers.put(result)
                        }
                    } catch {
                        answers.put(.failure(error))
                    }
                })
            self.orders.append(orders)
        }
        for _ in 0..<count { _ = try answers.take()?.get() }
    }

    /// Enqueues jobs with the numbers from 0 on; `rate` is in jobs per second.
    func run(jobs: Int, rate: Double?) throws -> [Commit] {
        start(jobs: jobs, rate: rate)
        return try finish()
    }

    /// The same without waiting for it.
    ///
    /// - Returns: when the schedule begins.
    @discardableResult
    func start(jobs: Int, rate: Double?, isUneven: Bool = false) -> Int64 {
        progress = Progress()
        let order = Order(
            jobs: jobs, rate: rate.map { $0 / Double(batch) }, isUneven: isUneven, began: monotonicNanoseconds(), progress: progress)
        for mailbox in orders { mailbox.put(order) }
        return order.began
    }

    /// Waits for the end of what was started.
    func finish() throws -> [Commit] {
        var commits: [Commit] = []
        for _ in 0..<count { commits += try answers.take()?.get() ?? [] }
        return commits
    }

    /// What was started ends with the transactions in hand.
    func cease() { progress.isOver.store(true, ordering: .relaxed) }

    /// Jobs of what was started last.
    var committed: Int { progress.committed.load(ordering: .relaxed) }

    /// Ends the threads, and with them the sessions: only then has the server counted all that they did.
    func close() {
        cease()
        for mailbox in orders { mailbox.close() }
        for thread in threads { thread.join() }
    }

    deinit { close() }

    /// Every `count`-th batch, beginning with this producer's.
    private static func work(
        _ order: Order, index: Int, of count: Int, batch: Int, connection: Connection, ledger: Ledger, make: (Int) -> NewJob
    ) throws -> [Commit] {
        var commits: [Commit] = []
        for number in stride(from: index, to: (order.jobs + batch - 1) / batch, by: count) {
            if order.progress.isOver.load(ordering: .relaxed) { break }
            let range = number * batch..<min((number + 1) * batch, order.jobs)
            let jobs = range.map(make)
            var due = monotonicNanoseconds()
            if let rate = order.rate {
                due = order.began + Int64((Double(number) + (order.isUneven ? .random(in: 0..<1) : 0)) / rate * 1e9)
                let early = due - monotonicNanoseconds()
                if early > 0 { pause(.nanoseconds(early)) }
            }
            let began = monotonicNanoseconds()
            try connection.transaction { try ledger.enqueue(jobs, on: $0) }
            commits.append(
                Commit(first: range.lowerBound, jobs: range.count, due: order.rate == nil ? began : due, began: began, ended: monotonicNanoseconds()))
            order.progress.committed.wrappingAdd(range.count, ordering: .relaxed)
        }
        return commits
    }
}

/// Rolls back what was only to be prepared.
private struct Rehearsed: Error {}
