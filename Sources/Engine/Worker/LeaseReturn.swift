internal import Bytes
internal import Clocks
internal import JSON
internal import Postgres

/// Takes leases back whose runs will not end by themselves: no attempt is spent, a cancel on record is carried out, a newer twin is given way to.
struct LeaseReturn {
    enum Cause {
        /// The worker died with the job in hand: the job may be what killed it.
        case death
        /// The worker lives and never knew that it had the lease.
        case unnoticed
    }

    let ledger: Ledger
    let worker: Identifier
    let cause: Cause

    /// - Parameter leases: rows of `leasesOf` or `lockLeases`, locked.
    func take(_ leases: Rows, on connection: Connection) throws {
        let now = Instant.now
        let twins = try ledger.newerTwins(of: leases.map { try $0("id") }, on: connection)
        var finishes: [Finish] = []
        var requeues: [Requeue] = []
        for lease in leases {
            let id: Identifier = try lease("id")
            let kind: String = try lease("kind")
            let spent: Int = try lease("attempt")
            let attempt = spent + 1
            let deaths: Int = try lease("deaths")
            let isCancelled: Bool = try lease("cancelled")
            let permit: String? = try lease("limit_key")
            let retention = ledger.catalog.jobs[kind]?.retentionDays ?? 30
            let entry = entry(attempt: attempt, startedAt: try lease("started_at"), endedAt: now)
            if isCancelled {
                finishes.append(
                    Finish(
                        id: id, state: .cancelled, errorCode: "cancelled", error: cause == .death ? "cancelled; its worker died" : "cancelled",
                        retentionDays: retention, entry: entry, workerID: worker, startedAt: try lease("started_at"), attempt: attempt,
                        permit: permit))
            } else if let twin = twins[id] {
                finishes.append(
                    .superseded(
                        id, by: twin, retentionDays: retention, entry: entry, workerID: worker, startedAt: try lease("started_at"), attempt: attempt,
                        permit: permit))
            } else {
                // Deaths were counted before a run alone began; the claim decides about poison.
                requeues.append(
                    Requeue(id: id, runAt: now, attempt: spent, suspect: cause == .death, deaths: deaths, entry: entry, permit: permit))
            }
        }
        let permits = try ledger.finish(finishes, on: connection) + ledger.requeue(requeues, on: connection, now: now)
        try ledger.giveBack(permits, on: connection)
    }

    private func entry(attempt: Int, startedAt: Instant?, endedAt: Instant) -> JSONValue {
        var entry: JSONObject = ["attempt": .int(Int64(attempt)), "worker": .string(worker.description)]
        if let startedAt { entry["startedAt"] = .string(startedAt.text) }
        entry["endedAt"] = .string(endedAt.text)
        switch cause {
        case .death:
            entry["outcome"] = "rescued"
            entry["code"] = "worker_died"
            entry["error"] = "its worker died while it ran"
        case .unnoticed:
            entry["outcome"] = "interrupted"
            entry["code"] = "claim_unnoticed"
            entry["error"] = "its worker lost the connection while it committed the claim; the run never began"
        }
        return .object(entry)
    }
}
