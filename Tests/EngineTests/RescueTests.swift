import Bytes
import Clocks
import JSON
import Postgres
import TestSupport
import Testing

@testable import Engine

/// Who is taken for dead, when, and what becomes of the leases.
///
/// The rescuer's clock is the test's.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct RescueTests {
    private let kinds = [
        TestKinds.kind("test.leased", style: "leased"),
        TestKinds.kind("test.unique", style: "leased", extra: #""unique": { "by": ["key"] },"#),
    ]

    /// A worker made of rows, with or without the lock that says that it lives.
    private struct Dummy {
        let rig: EngineRig
        let id = Identifier.next()
        let lock = Int.random(in: 100_000...2_000_000)

        init(_ rig: EngineRig) async throws {
            self.rig = rig
            try await rig.script("insert into workers (id, lock, host, process, role, queues) values ('\(id)', \(lock), 'h', 1, 'w', '{fast}')")
        }

        func beat() async throws { try await rig.script("update workers set beats = beats + 1 where id = '\(id)'") }

        /// Takes the lock; it is let go with the connection.
        func holdLock() throws -> Connection {
            let connection = try Connection(rig.settings)
            try connection.run(.once("select pg_advisory_lock(1837, $1::int4)"), lock)
            return connection
        }

        /// Leases the job as a claim does.
        func lease(_ id: Identifier) async throws {
            try await rig.lease([id], by: self.id)
        }
    }

    /// A rescuer whose seconds the test counts.
    private struct Watch {
        var rescuer: Rescuer
        let connection: Connection
        var now: Int64 = 1_000_000_000_000

        init(_ rig: EngineRig) throws {
            rescuer = Rescuer(settings: SchedulerSettings(), ledger: rig.ledger, log: rig.log)
            connection = try Connection(rig.settings)
        }

        /// Looks once a second.
        mutating func look(seconds: Int) throws {
            for _ in 0..<seconds {
                now += 1_000_000_000
                try rescuer.round(connection, now: now)
            }
        }
    }

    @Test func `a lease is taken five seconds after its worker's lock has vanished, and no attempt is spent`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            let dummy = try await Dummy(rig)
            let id = try await rig.enqueue("test.leased")
            try await dummy.lease(id)
            var watch = try Watch(rig)
            try watch.look(seconds: 5)
            #expect(try await rig.job(id).state == .running)
            try watch.look(seconds: 1)
            let job = try await rig.job(id)
            #expect(job.state == .queued)
            #expect(job.attempt == 0)
            #expect(job.workerID == nil)
            #expect(job.attempts.map { $0["outcome"]?.string } == ["rescued"])
            #expect(job.attempts[0]["worker"]?.string == dummy.id.description)
            #expect(try await rig.value("select count(*) from outbox where suspect and state = 'ready'") == 1)
            #expect(try await rig.value("select count(*) from jobs where suspect and runs = 1") == 1)
            #expect(try await rig.value("select count(*) from worker_deaths") == 1)
            #expect(try await rig.value("select count(*) from workers") == 0)
        }
    }

    @Test func `a worker that holds its lock and beats slowly lives, and one that stands still for ninety seconds is dead`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            let dummy = try await Dummy(rig)
            let id = try await rig.enqueue("test.leased")
            try await dummy.lease(id)
            let lock = try dummy.holdLock()
            var watch = try Watch(rig)
            for _ in 0..<3 {
                try watch.look(seconds: 89)
                try await dummy.beat()
            }
            #expect(try await rig.job(id).state == .running)
            try watch.look(seconds: 90)
            #expect(try await rig.job(id).state == .running)
            try watch.look(seconds: 1)
            #expect(try await rig.job(id).state == .queued)
            #expect(lock.isUsable)
        }
    }

    @Test func `a lock that comes back within five seconds rescues nobody`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            let dummy = try await Dummy(rig)
            let id = try await rig.enqueue("test.leased")
            try await dummy.lease(id)
            var watch = try Watch(rig)
            for _ in 0..<3 {
                try watch.look(seconds: 4)
                let lock = try dummy.holdLock()
                try watch.look(seconds: 1)
                #expect(lock.isUsable)
                _ = consume lock
                try await eventually("the lock is free") {
                    try await rig.value("select count(*) from pg_locks where locktype = 'advisory' and classid = 1837 and objid = $1", dummy.lock)
                        == 0
                }
            }
            #expect(try await rig.job(id).state == .running)
        }
    }

    @Test func `a rescuer that stood still itself blames nobody for the time that it did not see`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            let dummy = try await Dummy(rig)
            let id = try await rig.enqueue("test.leased")
            try await dummy.lease(id)
            var watch = try Watch(rig)
            try watch.look(seconds: 3)
            // A frozen machine, or a clock that is far ahead.
            watch.now += 600 * 1_000_000_000
            try watch.look(seconds: 5)
            #expect(try await rig.job(id).state == .running)
            try watch.look(seconds: 1)
            #expect(try await rig.job(id).state == .queued)
        }
    }

    @Test func `leases of a worker that no row knows are taken at once`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            let dummy = try await Dummy(rig)
            let id = try await rig.enqueue("test.leased")
            try await dummy.lease(id)
            try await rig.script("delete from workers")
            var watch = try Watch(rig)
            try watch.look(seconds: 1)
            #expect(try await rig.job(id).state == .queued)
        }
    }

    @Test func `a cancel beats the rescue, and a newer twin is given way to`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            let dummy = try await Dummy(rig)
            let cancelled = try await rig.enqueue("test.leased")
            let first = try await rig.enqueue("test.unique", ["key": "a"])
            let plain = try await rig.enqueue("test.leased")
            for id in [cancelled, first, plain] { try await dummy.lease(id) }
            #expect(try await rig.cancel(cancelled) == .requested)
            let twin = try await rig.enqueue("test.unique", ["key": "a"])
            #expect(twin != first)
            var watch = try Watch(rig)
            try watch.look(seconds: 6)
            #expect(try await rig.job(cancelled).state == .cancelled)
            let ended = try await rig.job(first)
            #expect(ended.state == .cancelled)
            #expect(ended.errorCode == "superseded")
            #expect(try await rig.job(twin).state == .queued)
            #expect(try await rig.job(plain).state == .queued)
        }
    }

    @Test func `a lease whose row is held does not stop the rescue of the others`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            let dummy = try await Dummy(rig)
            let ids = try await rig.enqueue((0..<3).map { _ in NewJob("test.leased", [:]) }).map(\.id)
            for id in ids { try await dummy.lease(id) }
            let barrier = Barrier()
            let held = Task {
                try await rig.database.transaction { connection in
                    try connection.run(.once("select from jobs where id = $1 for update"), ids[1])
                    barrier.pass()
                }
            }
            try await eventually("it is held") { barrier.count == 1 }
            var watch = try Watch(rig)
            try watch.look(seconds: 6)
            for index in [0, 2] { #expect(try await rig.job(ids[index]).state == .queued) }
            barrier.open()
            try await held.value
            try watch.look(seconds: 1)
            #expect(try await rig.job(ids[1]).state == .queued)
        }
    }

    @Test func `a thousand leases are taken in turns`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            let dummy = try await Dummy(rig)
            try await rig.lease(rig.enqueue((0..<1200).map { _ in NewJob("test.leased", [:]) }).map(\.id), by: dummy.id)
            var watch = try Watch(rig)
            try watch.look(seconds: 6)
            #expect(try await rig.value("select count(*) from outbox where suspect") == 1200)
            #expect(try await rig.value("select count(*) from living_jobs where state = 'queued' and attempt = 0") == 1200)
        }
    }

    @Test func `a lease that the worker does not know is given back by the worker itself`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            let dummy = try await Dummy(rig)
            let lock = try dummy.holdLock()
            let unknown = try await rig.enqueue("test.leased")
            let known = try await rig.enqueue("test.leased")
            for id in [unknown, known] { try await dummy.lease(id) }
            let claim = try await rig.value("select claim_id from running_jobs where id = $1", known, as: Int64.self)
            let running = RunningJobs()
            running.hold([claim])
            var audit = LeaseAudit(ledger: rig.ledger, running: running, log: rig.log)
            let connection = try Connection(rig.settings)
            for second in 0..<5 { try audit.round(connection, worker: dummy.id, now: Int64(second) * 1_000_000_000) }
            #expect(try await rig.job(unknown).state == .running)
            try audit.round(connection, worker: dummy.id, now: 5_000_000_000)
            let job = try await rig.job(unknown)
            #expect(job.state == .queued)
            #expect(job.attempt == 0)
            #expect(try await rig.value("select count(*) from jobs where suspect") == 0)
            #expect(try await rig.job(known).state == .running)
            #expect(lock.isUsable)
        }
    }

    @Test func `a late end changes nothing: neither the job, nor its effects, nor its checkpoint`() async throws {
        let barrier = Barrier()
        let saved = Tally()
        let handler = JobHandler.leased(
            "test.leased",
            LeasedTestJob { _, context in
                try? await barrier.wait()
                do {
                    try await context.save(checkpoint: ["late": true])
                    saved.add("saved")
                } catch let error as JobError {
                    saved.add(error.code)
                }
                return .done("late", committing: { try $0.script("insert into effects values ('late')") })
            })
        try await EngineRig.with(kinds: [kinds[0]], handlers: [handler]) { rig in
            try await rig.script("create table effects (key text)")
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                let id = try await rig.enqueue("test.leased")
                try await eventually("it runs") { barrier.count == 1 }
                // Another worker has it by now.
                let other = try await Dummy(rig)
                try await rig.script("update jobs set runs = runs + 1")
                try await rig.lease([id], by: other.id)
                barrier.open()
                // Ends are written in order of arrival, so behind this one's the late one has been looked at.
                let next = try await rig.enqueue("test.leased")
                try await rig.wait(next, for: .completed)
                let job = try await rig.job(id)
                #expect(job.state == .running)
                #expect(job.workerID == other.id)
                #expect(try await rig.value("select count(*) from jobs where checkpoint is not null") == 0)
                #expect(try await rig.value("select count(*) from effects") == 1)
                #expect(saved["lease_lost"] == 1)
            }
        }
    }
}
