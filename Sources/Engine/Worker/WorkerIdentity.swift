internal import Bytes
internal import Glibc
internal import Lanes
internal import Postgres
internal import Synchronization
internal import Telemetry

/// A worker's life sign: a row, a session advisory lock on a direct connection of its own, a counter of heartbeats.
///
/// The rescuer takes a worker's leases five seconds after its lock vanished, or when its counter has not moved for ninety seconds of the rescuer's own
/// monotonic clock. So a worker that lost its lock has three seconds to take it again; then it breaks off its own work before others may take it, and
/// begins anew under a new identity. No wall clock decides anything.
final class WorkerIdentity: Sendable {
    private struct State {
        var id: Identifier
        var held = false
    }

    private let state: Mutex<State>
    private let settings: ConnectionSettings
    private let role: String
    private let queues: [String]
    private let running: RunningJobs
    private let ledger: Ledger
    private let log: Logger
    private let waiting = Mutex<[@Sendable () -> Void]>([])
    private let stopped = Mailbox<Never>()
    private let stopping = Atomic<Bool>(false)
    private let thread = Mutex<Thread?>(nil)
    /// Called when a run does not come back after its timeout: the process has to end, so that its leases are taken.
    private let onStuck: @Sendable () -> Void

    init(
        settings: ConnectionSettings, role: String, queues: [String], running: RunningJobs, ledger: Ledger, log: Logger,
        onStuck: @escaping @Sendable () -> Void
    ) {
        var settings = settings
        settings.applicationName = "millrace-worker-identity"
        settings.statementTimeout = .seconds(3)
        settings.connectTimeout = .seconds(2)
        self.settings = settings
        self.role = role
        self.queues = queues
        self.running = running
        self.ledger = ledger
        self.log = log
        self.onStuck = onStuck
        state = Mutex(State(id: .next()))
    }

    /// Under which leases are taken.
    var id: Identifier { state.withLock { $0.id } }

    /// False while the lock is not held: nothing new may be claimed then.
    var isHeld: Bool { state.withLock { $0.held } }

    /// Calls this each time when the lock is held from now on: what was kept back meanwhile can begin.
    func whenHeld(_ action: @escaping @Sendable () -> Void) { waiting.withLock { $0.append(action) } }

    func start() {
        thread.withLock { thread in
            if thread == nil { thread = Thread("identity") { [self] in run() } }
        }
    }

    /// Says in the row that this worker ends; the row goes with `stop`.
    func announceStop() { stopping.store(true, ordering: .relaxed) }

    func stop() {
        stopped.close()
        thread.withLock { $0 }?.join(timeout: .seconds(5))
    }

    private func run() {
        while !stopped.isClosed {
            do {
                let connection = try Connection(settings)
                let lock = try register(connection)
                hold(connection, lock: lock)
            } catch {
                log.warning("worker cannot register", ["error": String(describing: error)])
                // The row of the attempt may stand without its lock: it is dead, and the next one is another.
                state.withLock { $0.id = .next() }
                _ = stopped.take(timeout: .seconds(1))
            }
        }
    }

    private func register(_ connection: Connection) throws -> Int {
        let id = id
        let row = try connection.run(SQL.Worker.register, id, hostName(), Int(getpid()), role, queues).only()
        let lock: Int = try row("lock")
        let taken: Bool = try connection.run(SQL.Worker.lock, lock).only()("locked")
        guard taken else { throw PostgresError(.other, message: "the worker's own lock is taken") }
        state.withLock { $0.held = true }
        for action in waiting.withLock({ $0 }) { action() }
        return lock
    }

    /// Beats until the stop or the loss of the identity.
    private func hold(_ first: Connection, lock: Int) {
        var connection = first
        var turn = 0
        var audit = LeaseAudit(ledger: ledger, running: running, log: log)
        while true {
            do {
                if turn % 4 == 0, try !beat(connection) { return lose("its row is gone: others took it for dead") }
                try passOnCancels(connection)
                try audit.round(connection, worker: id, now: monotonicNanoseconds())
            } catch {
                guard let again = retake(lock) else { return lose("its lock is gone: \(error)") }
                connection = again
            }
            if running.breakOffLate(now: monotonicNanoseconds(), patience: .seconds(30)) { onStuck() }
            turn += 1
            _ = stopped.take(timeout: .milliseconds(250))
            if stopped.isClosed {
                try? audit.sweep(connection, worker: id)
                _ = try? connection.run(SQL.Worker.unregister, id)
                state.withLock { $0.held = false }
                return
            }
        }
    }

    /// False when the row is gone.
    private func beat(_ connection: Connection) throws -> Bool {
        try !connection.run(SQL.Worker.beat, id, running.count, stopping.load(ordering: .relaxed)).isEmpty
    }

    private func passOnCancels(_ connection: Connection) throws {
        let ids = running.leasedIDs
        guard !ids.isEmpty else { return }
        running.cancel(try connection.run(SQL.Settle.cancelSignals, ids).map { try $0("job_id") as Identifier })
    }

    /// Three seconds to take the lock again on a new connection.
    private func retake(_ lock: Int) -> Connection? {
        let deadline = monotonicNanoseconds() + 3_000_000_000
        while monotonicNanoseconds() < deadline, !stopped.isClosed {
            do {
                let connection = try Connection(settings)
                let taken: Bool = try connection.run(SQL.Worker.lock, lock).only()("locked")
                guard try beat(connection) else { return nil }
                if taken { return connection }
            } catch {
                // The server is still away; the next look tells.
            }
            pause(.milliseconds(200))
        }
        return nil
    }

    private func lose(_ why: String) {
        log.error("worker breaks off its work", ["reason": why])
        state.withLock { state in
            state.held = false
            state.id = .next()
        }
        running.loseLeases()
    }

    private func hostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
