internal import Bytes
internal import Clocks
internal import JSON
internal import Postgres
internal import Telemetry

/// Decides which workers are dead and takes their leases.
///
/// A worker is dead when its advisory lock has been gone for `rescueAfter`, or its heartbeat counter has not moved for `frozenAfter`, both measured by
/// this process's monotonic clock from the first look on: a clock jump or a long pause of either side rescues nobody who lives. A rescued lease spends
/// no attempt; its job becomes a suspect, and one whose worker died while it ran alone too often is poison.
struct Rescuer {
    private struct Watch {
        var beats: Int64
        var beatMovedAt: Int64
        var lockGoneAt: Int64?
    }

    let settings: SchedulerSettings
    let ledger: Ledger
    let log: Logger
    private var watches: [Identifier: Watch] = [:]
    private var lastRound: Int64?

    init(settings: SchedulerSettings, ledger: Ledger, log: Logger) {
        self.settings = settings
        self.ledger = ledger
        self.log = log
    }

    mutating func round(_ connection: Connection, now: Int64) throws {
        // When the rescuer itself was frozen, time passed in which it saw nothing: nobody can be blamed for it.
        if let lastRound, now - lastRound > 5_000_000_000 + settings.interval.nanoseconds { watches = [:] }
        lastRound = now
        var seen: Set<Identifier> = []
        for row in try connection.run(SQL.Maintenance.workers) {
            let id: Identifier = try row("id")
            seen.insert(id)
            if isDead(id, beats: try row("beats"), locked: try row("locked"), now: now) { try bury(id, on: connection) }
        }
        watches = watches.filter { seen.contains($0.key) }
        for row in try connection.run(SQL.Maintenance.orphanedWorkers) { try takeLeases(of: try row("worker_id"), on: connection) }
    }

    private mutating func isDead(_ id: Identifier, beats: Int64, locked: Bool, now: Int64) -> Bool {
        var watch = watches[id] ?? Watch(beats: beats, beatMovedAt: now)
        if beats != watch.beats {
            watch.beats = beats
            watch.beatMovedAt = now
        }
        watch.lockGoneAt = locked ? nil : watch.lockGoneAt ?? now
        watches[id] = watch
        if let gone = watch.lockGoneAt, now - gone >= settings.rescueAfter.nanoseconds { return true }
        return now - watch.beatMovedAt >= settings.frozenAfter.nanoseconds
    }

    private func bury(_ worker: Identifier, on connection: Connection) throws {
        log.warning("worker is dead, its leases are taken", ["worker": worker.description])
        _ = try connection.run(SQL.Maintenance.buryWorker, worker)
        try takeLeases(of: worker, on: connection)
    }

    private func takeLeases(of worker: Identifier, on connection: Connection) throws {
        while true {
            let count = try connection.transaction { connection in
                let leases = try connection.run(SQL.Maintenance.leasesOf, worker)
                try LeaseReturn(ledger: ledger, worker: worker, cause: .death).take(leases, on: connection)
                return leases.count
            }
            if count > 0 { log.warning("leases rescued", ["worker": worker.description, "count": "\(count)"]) }
            if count < 500 { break }
        }
        _ = try connection.run(SQL.Maintenance.forgetClaims, worker)
    }
}
