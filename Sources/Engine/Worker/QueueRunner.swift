internal import Bytes
internal import Lanes
internal import Postgres
internal import RabbitMQ
internal import Synchronization
internal import Telemetry

/// Serves one queue: a thread that owns the AMQP connection, lanes that own the database connections.
///
/// The thread consumes, keeps the heartbeat, hands batches to lanes and acks what they are done with; so a long job never starves the connection or the
/// messages behind it. A message of an atomic job is acked after the commit, one of a leased job as soon as the lease is committed. While the broker is
/// away the thread looks for rows itself, at a bounded rate, and says so; what it finds goes the same way as what is delivered.
final class QueueRunner: Sendable {
    private struct State {
        /// Batches of atomic jobs and claims that are at work.
        var batches = 0
        /// Leased jobs that are claimed, run or wait for their end to be written.
        var leased = 0
        /// Leased jobs that only wait for somebody slow and have given up their place.
        var aside = 0
        var limit: ConcurrencyLimit
        /// Something waits for a place: whoever leaves one says so.
        var isWaiting = false
        /// Looks at the outbox that failed, one after the other.
        var failedLooks = 0
    }

    let core: WorkerCore
    let definition: QueueDefinition
    let pool: LanePool<WorkLane>
    let runner: LeasedRunner
    let claims: ClaimLine
    private let broker: BrokerSettings?
    private let queueName: String
    private let settler: Settler
    private let hasAtomicKinds: Bool
    private let hasLeasedKinds: Bool
    private let acks = Mutex<[ClaimRequest.Receipt]>([])
    private let wake = WakeUp()
    private let state: Mutex<State>
    private let picker = Mutex(OutboxPicker(includingSent: true, skipsLocked: true))
    private let stopping = Atomic<Bool>(false)
    private let thread = Mutex<Thread?>(nil)
    private let connected: Gauge
    private let busy: Gauge

    init(
        core: WorkerCore, definition: QueueDefinition, database: ConnectionSettings, broker: BrokerSettings?, prefix: String, metrics: MetricRegistry
    ) {
        self.core = core
        self.definition = definition
        self.broker = broker
        queueName = prefix + definition.queue
        state = Mutex(
            State(limit: ConcurrencyLimit(minimum: definition.minimumConcurrency, maximum: definition.maximumConcurrency)))
        let kinds = core.ledger.catalog.kinds(of: definition.queue)
        hasAtomicKinds = kinds.contains { $0.style == .atomic }
        hasLeasedKinds = kinds.contains { $0.style == .leased }
        var settings = database
        settings.applicationName = "millrace-worker-\(definition.queue)"
        settings.lockTimeout = .seconds(3)
        settings.prefersIndexes = true
        // A process that is frozen in the middle of a transaction holds the wallets that it has locked: not for long.
        settings.idleInTransactionTimeout = .seconds(10)
        let lanes = hasAtomicKinds ? definition.maximumConcurrency : min(2, definition.maximumConcurrency)
        pool = LanePool("w-\(definition.queue)", count: lanes) { [settings] _ in WorkLane(settings) }
        settler = Settler(core: core, pool: pool)
        let runner = LeasedRunner(core: core, settler: settler)
        self.runner = runner
        claims = ClaimLine(pool: pool, most: definition.batch) { try runner.claimAtOnce($0, lane: $1) }
        connected = metrics.gauge(
            "millrace_worker_broker_connected", "1 while the queue's worker consumes from the broker, 0 while it polls.",
            labels: ["queue": definition.queue])
        busy = metrics.gauge("millrace_worker_running", "Jobs in hand.", labels: ["queue": definition.queue])
    }

    func start() {
        thread.withLock { thread in
            guard thread == nil else { return }
            core.identity.whenHeld { [wake] in wake.signal() }
            thread = Thread("q-\(definition.queue)") { [self] in run() }
        }
    }

    /// Takes nothing new from now on.
    func beginStop() {
        stopping.store(true, ordering: .relaxed)
        wake.signal()
    }

    /// Waits for the thread, which ends when nothing is in hand; false when the time was over first.
    func join(timeout: Duration) -> Bool {
        thread.withLock { $0 }?.join(timeout: timeout) ?? true
    }

    func closeLanes(timeout: Duration) -> Bool {
        settler.abandon()
        pool.stop()
        return pool.join(timeout: timeout)
    }

    var isStopping: Bool { stopping.load(ordering: .relaxed) }

    private var inHand: Int { state.withLock { $0.batches + $0.leased + $0.aside } }

    // MARK: - The thread

    private func run() {
        var failures = 0
        var connection = 0
        while !(isStopping && inHand == 0) {
            guard let broker else {
                pollTurn()
                continue
            }
            do {
                let consumer = try Consumer(broker)
                let subscription = try consumer.consume(
                    queueName, prefetch: UInt16(definition.prefetchedMessages), consumerTag: "millrace-\(Identifier.next())")
                connected.set(1)
                core.log.info("consuming", ["queue": definition.queue])
                failures = 0
                connection += 1
                try consume(consumer, subscription, connection)
                consumer.close()
            } catch {
                connected.set(0)
                failures += 1
                if failures == 1 {
                    let undeclared = (error as? BrokerError)?.kind == .notFound
                    core.log.warning(
                        undeclared ? "no relay has declared the queue yet, polling the outbox" : "no broker, polling the outbox",
                        ["queue": definition.queue, "error": String(describing: error)])
                }
                // What was in hand of this connection comes again by itself; its acks have no connection any more.
                let until = monotonicNanoseconds() + Int64(min(failures, 5)) * 1_000_000_000
                while monotonicNanoseconds() < until, !isStopping { pollTurn() }
                if isStopping { waitForHand() }
            }
        }
        connected.set(0)
    }

    private func consume(_ consumer: Consumer, _ subscription: Subscription, _ connection: Int) throws {
        var buffer: [ClaimRequest] = []
        var acknowledgements = Acknowledgements(prefetch: definition.prefetchedMessages)
        func take(_ deliveries: [Delivery]) {
            for delivery in deliveries {
                let requests = ClaimRequest.all(in: delivery, connection: connection)
                buffer += requests
                acknowledgements.delivered(delivery.tag)
                if requests.isEmpty { acknowledgements.finished(delivery.tag, now: monotonicNanoseconds()) }
            }
        }
        func acknowledge(atOnce: Bool) throws {
            let now = monotonicNanoseconds()
            for receipt in takeAcks() where receipt.connection == connection { acknowledgements.finished(receipt.tag, now: now) }
            guard atOnce || acknowledgements.wait(now: now) == 0 else { return }
            for order in acknowledgements.take() { _ = try consumer.acknowledge(order.tag, multiple: order.isMultiple) }
        }
        while !isStopping {
            let limit = lagging(buffer) ? ConcurrencyLimit.lag : .seconds(1)
            let patience = acknowledgements.wait(now: monotonicNanoseconds()).map { Duration.nanoseconds($0) } ?? limit
            take(try consumer.waitForDeliveries(timeout: min(limit, patience), wake: wake))
            wake.clear()
            dispatch(&buffer)
            try acknowledge(atOnce: false)
        }
        try consumer.cancel(subscription)
        // What the broker sent before it knew of the cancel is here by now.
        while true {
            let late = try consumer.waitForDeliveries(timeout: .zero)
            if late.isEmpty { break }
            take(late)
        }
        let back = buffer
        if !back.isEmpty {
            begin(batches: 1)
            Task { [self] in
                await giveBack(back)
                end(batches: 1)
            }
        }
        while inHand > 0 {
            _ = try consumer.waitForDeliveries(timeout: .milliseconds(200), wake: wake)
            wake.clear()
            try acknowledge(atOnce: true)
        }
        try acknowledge(atOnce: true)
    }

    private func takeAcks() -> [ClaimRequest.Receipt] {
        acks.withLock { acks in
            defer { acks.removeAll(keepingCapacity: true) }
            return acks
        }
    }

    private func waitForHand() {
        while inHand > 0 { pause(.milliseconds(20)) }
    }

    /// One look at the outbox while the broker is away, a few a second.
    private func pollTurn() {
        let room = room
        guard core.identity.isHeld, !isStopping else { return pause(.milliseconds(20)) }
        guard room > 0 else {
            // Whether more waits is not known without a look; what is in use to the last place counts as asked for.
            state.withLock { $0.limit.observe(isWaiting: true, inUse: 0, now: monotonicNanoseconds()) }
            return pause(.milliseconds(20))
        }
        let found = Mailbox<[ClaimRequest]>()
        let submitted = pool.submit { [self] lane in
            defer { found.close() }
            do {
                let connection = try lane.connection()
                found.put(try picker.withLock { try Claim.look(queue: definition.queue, limit: room, picker: &$0, on: connection) })
                state.withLock { $0.failedLooks = 0 }
            } catch {
                let failures = state.withLock { state in
                    state.failedLooks += 1
                    return state.failedLooks
                }
                guard failures == 1 || failures % 100 == 0 else { return }
                core.log.warning("polling failed", ["queue": definition.queue, "error": String(describing: error), "failures": "\(failures)"])
            }
        }
        guard submitted else { return pause(.milliseconds(20)) }
        var buffer = found.take(timeout: .seconds(60)) ?? []
        // A look that fills all the room there is has left more behind.
        let (isIdle, isFull) = (buffer.isEmpty, buffer.count >= room)
        // What there is no room for after all is found again.
        dispatch(&buffer, leavingMore: isFull)
        pause(.milliseconds(isIdle ? 250 : isFull ? 5 : 50))
    }

    // MARK: - Handing out work

    /// How many more jobs could be begun.
    private var room: Int {
        state.withLock { state in
            (hasAtomicKinds ? max(0, state.limit.current - state.batches) * definition.batch : 0)
                + (hasLeasedKinds ? max(0, state.limit.current - state.leased) : 0)
        }
    }

    /// - Parameter leavingMore: more waits than is in the buffer.
    private func dispatch(_ buffer: inout [ClaimRequest], leavingMore: Bool = false) {
        guard core.identity.isHeld else { return }
        var begun = 0
        while begun < buffer.count {
            let leased = isLeased(buffer[begun])
            let free = state.withLock { state in
                let free: Int
                if leased {
                    // A claim costs about the same for one job as for many: while much runs, a few free places wait for some more.
                    let places = min(definition.batch, state.limit.current - state.leased)
                    free = places < min(definition.batch, state.limit.current / 16) ? 0 : places
                } else {
                    free = state.batches < state.limit.current ? definition.batch : 0
                }
                state.isWaiting = free == 0
                return free
            }
            guard free > 0 else { break }
            // A run of messages of one style; a queue rarely has both.
            let batch = Array(buffer[begun...].prefix(free).prefix { isLeased($0) == leased })
            begun += batch.count
            if leased { startLeased(batch) } else { startAtomic(batch) }
        }
        buffer.removeFirst(begun)
        let isWaiting = !buffer.isEmpty || leavingMore
        state.withLock { state in
            state.limit.observe(isWaiting: isWaiting, inUse: max(state.batches, state.leased), now: monotonicNanoseconds())
        }
    }

    /// Work waits that may soon be allowed more room.
    private func lagging(_ buffer: [ClaimRequest]) -> Bool {
        !buffer.isEmpty && core.identity.isHeld && state.withLock { $0.limit.canGrow }
    }

    private func isLeased(_ request: ClaimRequest) -> Bool {
        if case .leased = core.handlers[request.kind]?.run { true } else { false }
    }

    // MARK: - Counting

    func done(_ requests: [ClaimRequest]) {
        let receipts = requests.compactMap(\.receipt).filter { $0.release() }
        guard !receipts.isEmpty else { return }
        let isFirst = acks.withLock { acks in
            defer { acks += receipts }
            return acks.isEmpty
        }
        // The thread that takes the first takes the others along.
        if isFirst { wake.signal() }
    }

    func begin(batches: Int = 0, leased: Int = 0, aside: Int = 0) {
        let (now, isWaiting) = state.withLock { state in
            state.batches += batches
            state.leased += leased
            state.aside += aside
            return (state.batches + state.leased + state.aside, state.isWaiting)
        }
        busy.set(Double(now))
        if isWaiting || isStopping { wake.signal() }
    }

    func end(batches: Int = 0, leased: Int = 0, aside: Int = 0) {
        begin(batches: -batches, leased: -leased, aside: -aside)
    }

    /// Moves a leased run out of the counted ones; so many may stand aside, each costs memory and a socket.
    func standAside() -> Bool {
        let isAllowed = state.withLock { state in
            guard state.aside < definition.maximumConcurrency * 4 else { return false }
            state.leased -= 1
            state.aside += 1
            return true
        }
        if isAllowed { wake.signal() }
        return isAllowed
    }
}
