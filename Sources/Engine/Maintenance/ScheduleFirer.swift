internal import Bytes
internal import Clocks
internal import Postgres
internal import Telemetry

/// Fires schedules: one job per slot, however many schedulers run.
///
/// The last slot that fired is a row; moving it and enqueueing the slot's job is one transaction guarded by the row's old value, so a slot cannot fire
/// twice and a crash between the two cannot lose one.
struct ScheduleFirer {
    let ledger: Ledger
    let log: Logger
    private let zones: [String: TimeZoneRules]

    init(ledger: Ledger, log: Logger) {
        self.ledger = ledger
        self.log = log
        var zones: [String: TimeZoneRules] = [:]
        for schedule in ledger.catalog.jobs.values.flatMap(\.schedules) where zones[schedule.timeZone] == nil {
            zones[schedule.timeZone] = try? TimeZoneRules.named(schedule.timeZone)
        }
        self.zones = zones
    }

    func round(_ connection: Connection, now: Instant = .now) throws {
        for definition in ledger.catalog.sortedJobs {
            for schedule in definition.schedules { try fire(schedule, of: definition, on: connection, now: now) }
        }
    }

    private func fire(_ schedule: JobDefinition.Schedule, of definition: JobDefinition, on connection: Connection, now: Instant) throws {
        guard let zone = zones[schedule.timeZone] else { return }
        guard let last: Instant = try connection.run(SQL.Maintenance.lastSlot, definition.kind, schedule.name).first?("last_slot") else {
            // A new schedule begins now; slots before it never were.
            _ = try connection.run(SQL.Maintenance.ensureSchedule, definition.kind, schedule.name, now)
            return
        }
        let due = Self.dueSlots(schedule, zone: zone, after: last, until: now)
        guard let newest = due.newest else { return }
        try connection.transaction { connection in
            let moved = try connection.run(SQL.Maintenance.fire, definition.kind, schedule.name, newest, last)
            guard !moved.isEmpty else { return }
            for slot in due.fire {
                let job = NewJob(definition.kind, schedule.payload, runAt: slot)
                let enqueued = try ledger.enqueue(job, on: connection, now: now)
                log.info(
                    "schedule fired",
                    [
                        "kind": definition.kind, "schedule": schedule.name, "slot": slot.text, "job": enqueued.id.text("job"),
                        "folded": enqueued.isNew ? "no" : "yes",
                    ])
            }
        }
    }

    /// The slots that passed, and which of them fire: a slot within the last minute always does, older ones by the catch-up policy.
    ///
    /// All slots fire at most a thousand at a time; the next round goes on from there.
    static func dueSlots(
        _ schedule: JobDefinition.Schedule, zone: TimeZoneRules, after last: Instant, until now: Instant
    ) -> (newest: Instant?, fire: [Instant]) {
        if schedule.catchUp == .all {
            var slots: [Instant] = []
            while slots.count < 1000, let next = schedule.cron.next(after: slots.last ?? last, in: zone), next <= now { slots.append(next) }
            return (slots.last, slots)
        }
        guard let newest = newestSlot(schedule.cron, zone, after: last, until: now) else { return (nil, []) }
        if schedule.catchUp == .skip, now - newest >= .seconds(60) { return (newest, []) }
        return (newest, [newest])
    }

    /// Looks back further and further, so that a year without a scheduler costs no more than a minute.
    private static func newestSlot(_ cron: CronExpression, _ zone: TimeZoneRules, after last: Instant, until now: Instant) -> Instant? {
        var back = Duration.seconds(60)
        while true {
            let start = max(last, now - back)
            if var slot = cron.next(after: start, in: zone), slot <= now {
                while let next = cron.next(after: slot, in: zone), next <= now { slot = next }
                return slot
            }
            if start == last { return nil }
            back *= 4
        }
    }
}
