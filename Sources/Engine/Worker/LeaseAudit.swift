internal import Bytes
internal import Clocks
internal import Postgres
internal import Telemetry

/// Gives back leases that the ledger knows under this worker and the worker does not know.
///
/// They come about when the connection breaks during the COMMIT of a claim: the commit happened, and nobody was told. Nobody would ever run such a job,
/// and the rescuer would not take it from a worker that lives. A lease counts as unknown only after two looks `patience` apart, so that a claim that is
/// just handing out its jobs is not disturbed; and if that is wrong all the same, the token fences the run.
struct LeaseAudit {
    private let ledger: Ledger
    private let running: RunningJobs
    private let log: Logger
    private let patience: Duration
    /// Since when each token was missing.
    private var missing: [Int64: Int64] = [:]
    private var nextLook: Int64 = 0

    init(ledger: Ledger, running: RunningJobs, log: Logger, patience: Duration = .seconds(5)) {
        self.ledger = ledger
        self.running = running
        self.log = log
        self.patience = patience
    }

    mutating func round(_ connection: Connection, worker: Identifier, now: Int64) throws {
        guard now >= nextLook else { return }
        nextLook = now + patience.nanoseconds
        let tokens: [Int64] = try connection.run(SQL.Worker.leases, worker).map { try $0("token") }
        let unknown = running.unknown(among: tokens)
        let due = unknown.filter { token in missing[token].map { now - $0 >= patience.nanoseconds } ?? false }
        missing = Dictionary(uniqueKeysWithValues: unknown.map { ($0, missing[$0] ?? now) })
        guard !due.isEmpty else { return }
        log.warning("leases that were committed unnoticed are given back", ["count": "\(due.count)"])
        try connection.transaction { connection in
            let leases = try connection.run(SQL.Worker.lockLeases, worker, due)
            try LeaseReturn(ledger: ledger, worker: worker, cause: .unnoticed).take(leases, on: connection)
        }
    }
}
