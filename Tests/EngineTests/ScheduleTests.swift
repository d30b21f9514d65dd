import Bytes
import Clocks
import JSON
import Postgres
import TestSupport
import Testing

@testable import Engine

/// One firing per slot, however many schedulers run, and a policy for the slots that nobody saw.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct ScheduleTests {
    private func kind(_ schedules: String, unique: String = "") -> (file: String, text: String) {
        TestKinds.kind("test.tick", style: "atomic", extra: "\"schedules\": [\(schedules)], \(unique)")
    }

    private func instant(_ text: String) throws -> Instant { try #require(Instant(text)) }

    private func dueSlots(_ cron: String, _ catchUp: JobDefinition.CatchUp, after last: String, until now: String) throws -> [String] {
        let schedule = JobDefinition.Schedule(name: "s", cron: try CronExpression(cron), timeZone: "UTC", catchUp: catchUp, payload: [:])
        let due = ScheduleFirer.dueSlots(schedule, zone: try TimeZoneRules.named("UTC"), after: try instant(last), until: try instant(now))
        #expect(due.fire.isEmpty || due.fire.last == due.newest)
        return due.fire.map { $0.text.replacing(".000Z", with: "Z") }
    }

    @Test func `catch-up policies decide which of the slots that passed fire`() throws {
        let (night, noon) = ("2026-03-01T00:00:00Z", "2026-03-01T12:30:30Z")
        #expect(try dueSlots("0 9 * * *", .all, after: night, until: "2026-03-01T08:59:59Z").isEmpty)
        for policy in JobDefinition.CatchUp.allCases {
            #expect(try dueSlots("0 9 * * *", policy, after: night, until: "2026-03-01T09:00:00Z") == ["2026-03-01T09:00:00Z"])
            #expect(try dueSlots("0 9 * * *", policy, after: "2026-03-01T09:00:00Z", until: noon).isEmpty)
        }
        #expect(try dueSlots("0 9 * * *", .skip, after: night, until: noon).isEmpty)
        #expect(try dueSlots("0 9 * * *", .skip, after: night, until: "2026-03-01T09:00:59Z") == ["2026-03-01T09:00:00Z"])
        #expect(try dueSlots("0 9 * * *", .latest, after: night, until: noon) == ["2026-03-01T09:00:00Z"])
        #expect(try dueSlots("0 */4 * * *", .latest, after: night, until: noon) == ["2026-03-01T12:00:00Z"])
        #expect(
            try dueSlots("0 */4 * * *", .all, after: night, until: noon) == ["2026-03-01T04:00:00Z", "2026-03-01T08:00:00Z", "2026-03-01T12:00:00Z"])
    }

    @Test func `after years without a scheduler the latest slot fires once, and all of them in bounded turns`() throws {
        let (last, now) = ("2020-01-01T00:00:00Z", "2026-03-01T12:30:30Z")
        #expect(try dueSlots("* * * * *", .latest, after: last, until: now) == ["2026-03-01T12:30:00Z"])
        #expect(try dueSlots("* * * * *", .skip, after: last, until: now) == ["2026-03-01T12:30:00Z"])
        #expect(try dueSlots("15 3 1 1 *", .latest, after: last, until: now) == ["2026-01-01T03:15:00Z"])
        #expect(try dueSlots("15 3 29 2 *", .latest, after: last, until: now) == ["2024-02-29T03:15:00Z"])
        let all = try dueSlots("* * * * *", .all, after: last, until: now)
        #expect(all.count == 1000)
        #expect(all.first == "2020-01-01T00:01:00Z")
    }

    @Test func `a clock that jumps back fires nothing again`() async throws {
        try await EngineRig.with(kinds: [kind(#"{ "name": "hourly", "cron": "0 * * * *" }"#)]) { rig in
            let firer = ScheduleFirer(ledger: rig.ledger, log: rig.log)
            let times = ["10:30:00", "11:00:00", "11:00:01", "10:15:00", "11:00:00", "11:59:59", "12:00:00"]
            try await rig.database.run { connection in
                for time in times { try firer.round(connection, now: #require(Instant("2026-03-01T\(time)Z"))) }
            }
            #expect(try await rig.value("select count(*) from jobs") == 2)
            #expect(try await rig.value("select count(distinct run_at) from jobs") == 2)
        }
    }

    @Test func `two schedulers at the same moment fire a slot once`() async throws {
        try await EngineRig.with(kinds: [
            kind(#"{ "name": "hourly", "cron": "0 * * * *" }, { "name": "half", "cron": "30 * * * *", "catchUp": "all" }"#)
        ]) { rig in
            let firer = ScheduleFirer(ledger: rig.ledger, log: rig.log)
            let lanes = Database(rig.settings, lanes: 6, name: "schedulers")
            let start = try instant("2026-03-01T10:15:00Z")
            try await rig.database.run { try firer.round($0, now: start) }
            for hour in 1...5 {
                let now = start + .seconds(3600 * hour)
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<6 {
                        group.addTask {
                            // One that comes too late may find the row held, and then the next round is as good.
                            try? await lanes.run { try firer.round($0, now: now) }
                        }
                    }
                }
            }
            lanes.stop()
            #expect(try await rig.value("select count(*) from jobs") == 10)
            #expect(try await rig.value("select count(distinct run_at) from jobs") == 10)
            #expect(try await rig.value("select count(*) from outbox") == 10)
        }
    }

    @Test func `two schedulers run and one leads; when it stops the other takes over`() async throws {
        try await EngineRig.with(kinds: [kind(#"{ "name": "minutely", "cron": "* * * * *" }"#)]) { rig in
            let leaders =
                "select count(*) from pg_locks where locktype = 'advisory' and classid = 1837 and objid = 0 and granted and database = (select oid from pg_database where datname = current_database())"
            let first = rig.scheduler()
            first.start()
            try await eventually("one leads") { try await rig.value(leaders) == 1 }
            try await rig.running([.scheduler(rig.scheduler()), .scheduler(rig.scheduler())]) {
                await offPool { _ = first.stop() }
                try await eventually("another leads") { try await rig.value(leaders) == 1 }
                // The slot of two hours ago is due at once, and fires once.
                try await rig.script("update schedules set last_slot = now() - interval '2 hours'")
                try await eventually("it has fired") { try await rig.value("select count(*) from jobs") > 0 }
                // Its session dies: the lead goes on, here or there.
                try await rig.breakConnections()
                let dummy = Identifier.next()
                try await eventually("the lead goes on") {
                    // Both calls may meet the connections that were just broken.
                    (try? await rig.script(
                        "insert into workers (id, lock, host, process, role, queues) values ('\(dummy)', 999999, 'h', 1, 'w', '{}') on conflict do nothing"
                    )) != nil
                }
                try await eventually("a round") { (try? await rig.value("select count(*) from workers")) == 0 }
            }
            #expect(try await rig.value("select count(*) from jobs where run_at < now() - interval '90 seconds'") == 0)
            #expect(try await rig.value("select count(*) - count(distinct run_at) from jobs") == 0)
        }
    }

    @Test func `a schedule that cannot fire does not stop the others`() async throws {
        let kinds = [kind(#"{ "name": "hourly", "cron": "0 * * * *" }"#), TestKinds.kind("test.other", style: "atomic")]
        try await EngineRig.with(kinds: kinds) { rig in
            try await rig.script(
                "create function refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$; create trigger refuse before insert on jobs for each row when (new.kind = 'test.tick') execute function refuse()"
            )
            let id = try await rig.enqueue("test.other")
            try await rig.running([.scheduler(rig.scheduler(resendAfter: .milliseconds(10)))]) {
                try await eventually("the schedule is known") { try await rig.value("select count(*) from schedules") == 1 }
                try await rig.script(
                    "update schedules set last_slot = now() - interval '2 hours'; update outbox set sent_at = now() - interval '1 hour'"
                )
                try await eventually("the re-sender works all the same") { try await rig.outbox("ready") == 1 }
                #expect(try await rig.job(id).state == .queued)
            }
        }
    }
}

/// Finished jobs live in partitions by the day on which they may go.
@Suite(.database(.engine))
struct PartitionTests {
    private func finish(_ rig: EngineRig, expiresOn day: String) async throws {
        try await rig.script(
            """
            insert into finished_jobs (id, created_at, run_at, finished_at, expires_on, attempt, max_attempts, priority, runs, state, kind, queue, payload)
            values (gen_random_uuid(), now(), now(), now(), \(day), 1, 1, 0, 1, 'completed', 'test.atomic', 'fast', '{}')
            """)
    }

    private func partitions(_ rig: EngineRig) async throws -> Int {
        try await rig.value("select count(*) from pg_inherits where inhparent = 'finished_jobs'::regclass")
    }

    /// For how many days after today there are partitions.
    private func daysAhead(_ rig: EngineRig) async throws -> Int {
        try await rig.value(
            """
            select max(to_date(right(c.relname, 8), 'YYYYMMDD')) - current_date from pg_inherits i join pg_class c on c.oid = i.inhrelid
            where i.inhparent = 'finished_jobs'::regclass and c.relname ~ '_[0-9]{8}$'
            """)
    }

    @Test func `days ahead get partitions, and rows that came too early are moved into them`() async throws {
        try await EngineRig.with(kinds: [TestKinds.kind("test.atomic", style: "atomic")]) { rig in
            let (before, ahead) = (try await partitions(rig), try await daysAhead(rig))
            for day in ["current_date + \(ahead + 3)", "current_date + \(ahead + 3)", "current_date + \(ahead + 7)", "current_date + 1"] {
                try await finish(rig, expiresOn: day)
            }
            #expect(try await rig.value("select count(*) from finished_jobs_default") == 3)
            #expect(try await rig.value("select make_job_partitions(current_date + \(ahead + 4))") == 4)
            #expect(try await rig.value("select make_job_partitions(current_date + \(ahead + 4))") == 0)
            #expect(try await partitions(rig) == before + 4)
            #expect(try await rig.value("select count(*) from finished_jobs_default") == 1)
            #expect(try await rig.value("select count(*) from finished_jobs") == 4)
            #expect(try await rig.value("select count(*) from finished_jobs where expires_on = current_date + \(ahead + 3)") == 2)
        }
    }

    @Test func `only the days that are over are dropped`() async throws {
        try await EngineRig.with(kinds: [TestKinds.kind("test.atomic", style: "atomic")]) { rig in
            _ = try await rig.value("select make_job_partitions(current_date + 4)")
            for day in 0...4 { try await finish(rig, expiresOn: "current_date + \(day)") }
            // The tables may have been made before midnight.
            let days = try await rig.value("select current_date - min(expires_on) + 3 from finished_jobs")
            let dropped = try await rig.value("select count(*) from drop_job_partitions(current_date + 3)")
            #expect(dropped >= days && dropped <= days + 1)
            #expect(try await rig.value("select count(*) from finished_jobs") == 2)
            #expect(try await rig.value("select min(expires_on) = current_date + 3 from finished_jobs", as: Bool.self))
            #expect(try await rig.value("select count(*) from drop_job_partitions(current_date + 3)") == 0)
            // What comes for a day that was dropped already is not lost, and swept by the housekeeping.
            try await finish(rig, expiresOn: "current_date - 1")
            try await finish(rig, expiresOn: "current_date + 1")
            #expect(try await rig.value("select count(*) from finished_jobs_default") == 2)
            try await rig.running([.scheduler(rig.scheduler())]) {
                try await eventually("the house is kept") { try await rig.value("select count(*) from finished_jobs_default") == 0 }
            }
            #expect(try await rig.value("select count(*) from finished_jobs where expires_on = current_date + 1") == 1)
            #expect(try await rig.value("select count(*) from finished_jobs where expires_on < current_date") == 0)
        }
    }

    @Test func `a job's retention says when it may go`() async throws {
        let kinds = [TestKinds.kind("test.atomic", style: "atomic")]
        try await EngineRig.with(kinds: kinds, handlers: [.atomic("test.atomic", AtomicTestJob { _, _ in .done() })]) { rig in
            try await rig.running { _ = try await rig.wait(rig.enqueue("test.atomic"), for: .completed) }
            // The day after the last of its days.
            #expect(try await rig.value("select expires_on - current_date from finished_jobs") == 2)
        }
    }
}
