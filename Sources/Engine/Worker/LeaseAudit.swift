internal import Bytes
internal import Clocks
internal import Postgres
internal import Telemetry

/// Gives back claims that the ledger knows under this worker and the worker does not know, and sweeps away those that it has done with.
///
/// They come about when the connection breaks during the COMMIT of a claim: the commit happened, and nobody was told. Nobody would ever run such a job,
/// and the rescuer would not take it from a worker that lives. A claim counts as unknown only after two looks `patience` apart, so that a claim that is
/// just handing out its jobs is not disturbed; and if that is wrong all the same, the number of the run fences its end.
struct LeaseAudit {
    private let ledger: Ledger
    private let running: RunningJobs
    private let log: Logger
    private let patience: Duration
    /// Since when each claim was missing.
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
        try sweep(connection, worker: worker)
        let claims: [Int64] = try connection.run(SQL.Worker.claims, worker).map { try $0("id") }
        let unknown = running.unknown(among: claims)
        let due = unknown.filter { claim in missing[claim].map { now - $0 >= patience.nanoseconds } ?? false }
        missing = Dictionary(uniqueKeysWithValues: unknown.map { ($0, missing[$0] ?? now) })
        guard !due.isEmpty else { return }
        try connection.transaction { connection in
            let leases = try connection.run(SQL.Worker.lockLeases, worker, due)
            if leases.count > 0 { log.warning("leases that were committed unnoticed are given back", ["count": "\(leases.count)"]) }
            try LeaseReturn(ledger: ledger, worker: worker, cause: .unnoticed).take(leases, on: connection)
            _ = try connection.run(SQL.Worker.forgetClaims, worker, due)
        }
    }

    /// Removes the claims that this worker has done with; at the end too, so that the rescuer finds nothing of it.
    func sweep(_ connection: Connection, worker: Identifier) throws {
        let ended = running.takeEndedClaims()
        guard !ended.isEmpty else { return }
        do {
            _ = try connection.run(SQL.Worker.forgetClaims, worker, ended)
        } catch {
            running.putBackEndedClaims(ended)
            throw error
        }
    }
}
