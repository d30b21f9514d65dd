import Bytes
import Clocks
import JSON
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Engine

/// What an operator does to queues and dead jobs, and what a caller gives with a job.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct QueueControlTests {
    private let kinds = TestKinds.bothStyles

    @Test func `nothing of a paused queue starts, and everything starts at once when it is resumed`() async throws {
        let tally = Tally()
        let other = TestKinds.kind("test.other", style: "atomic", queue: "slow")
        let handlers = [tally.atomic, tally.leased] + [.atomic("test.other", AtomicTestJob { _, _ in .done() })]
        try await EngineRig.with(kinds: kinds + [other], queues: [TestKinds.queue("fast"), TestKinds.queue("slow")], handlers: handlers) { rig in
            // Two wake-ups are with the broker before the pause, two jobs come after it.
            _ = try await rig.enqueue([NewJob("test.atomic", [:]), NewJob("test.leased", [:])])
            try await rig.running([.relay(rig.relay())]) {
                try await eventually("sent") { try await rig.waiting() == 2 }
                try await rig.pause(true)
                _ = try await rig.enqueue([NewJob("test.atomic", [:]), NewJob("test.leased", [:])])
                try await rig.running([.scheduler(rig.scheduler(resendAfter: .milliseconds(20))), .worker(rig.worker())]) {
                    try await eventually("the old wake-ups are acked") { try await rig.waiting() == 0 }
                    try await rig.wait(rig.enqueue("test.other"), for: .completed)
                    #expect(tally.total == 0)
                    #expect(try await rig.value("select count(*) from outbox where queue = 'fast'") == 4)
                    let resumed = ContinuousClock.now
                    try await rig.pause(false)
                    try await eventually("all have run") { tally.total == 4 }
                    #expect(ContinuousClock.now - resumed < .seconds(4))
                    try await eventually("the queue is empty") { try await rig.value("select count(*) from outbox where queue = 'fast'") == 0 }
                }
            }
            #expect(tally.total == 4)
        }
    }

    @Test func `resuming does not wait for what runs`() async throws {
        let barrier = Barrier()
        let handler = JobHandler.atomic(
            "test.atomic",
            AtomicTestJob { _, _ in
                barrier.pass()
                return .done()
            })
        try await EngineRig.with(kinds: [kinds[0]], handlers: [handler]) { rig in
            try await rig.running {
                let id = try await rig.enqueue("test.atomic")
                try await eventually("it runs") { barrier.count == 1 }
                try await rig.pause(true)
                try await rig.pause(false)
                barrier.open()
                try await rig.wait(id, for: .completed)
            }
        }
    }

    @Test func `an unknown queue cannot be paused`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            let error = await #expect(throws: LedgerError.self) { try await rig.pause(true, queue: "fats") }
            #expect(error?.kind == .unknownQueue)
        }
    }

    @Test func `a dead job that is retried has all its attempts again, and keeps its history`() async throws {
        let tally = Tally()
        let handler = JobHandler.leased(
            "test.leased",
            LeasedTestJob { _, context in
                guard tally.add() > 5 else { throw JobError(.transient, code: "nope", "not yet") }
                return .done(.int(Int64(context.job.attempt)))
            })
        try await EngineRig.with(kinds: [kinds[1]], handlers: [handler]) { rig in
            let ledger = rig.ledger
            try await rig.running {
                let id = try await rig.enqueue("test.leased")
                #expect(try await rig.wait(id, for: .dead).attempt == 3)
                try await rig.database.transaction { try ledger.retry(id, on: $0) }
                let job = try await rig.wait(id, for: .completed)
                #expect(job.result == 3)
                #expect(job.attempts.count == 5)
                let error = await #expect(throws: LedgerError.self) { try await rig.database.transaction { try ledger.retry(id, on: $0) } }
                #expect(error?.kind == .wrongState)
            }
        }
    }

    @Test func `all dead jobs of a kind come back, page by page`() async throws {
        let tally = Tally()
        let handlers = ["test.atomic", "test.leased"].map { kind in
            JobHandler.atomic(
                kind,
                AtomicTestJob { payload, _ in
                    if tally.add(payload.key ?? "") == 1 { throw JobError(.permanent, code: "nope", "not this time") }
                    return .done()
                })
        }
        let kinds = ["test.atomic", "test.leased"].map { TestKinds.kind($0, style: "atomic") }
        try await EngineRig.with(kinds: kinds, handlers: handlers) { rig in
            let ledger = rig.ledger
            try await rig.running {
                _ = try await rig.enqueue((0..<25).map { NewJob("test.atomic", ["key": .string("\($0)")]) })
                let other = try await rig.enqueue("test.leased", ["key": "other"])
                try await eventually("all are dead") { try await rig.value("select count(*) from finished_jobs where state = 'dead'") == 26 }
                var (count, pages) = (0, 0)
                var cursor: Identifier? = Identifier(high: 0, low: 0)
                while let after = cursor {
                    let turn = try await rig.database.transaction {
                        try ledger.retryAll(queue: "fast", kind: "test.atomic", after: after, limit: 10, on: $0)
                    }
                    (count, pages, cursor) = (count + turn.revived, pages + 1, turn.last)
                }
                #expect(count == 25)
                #expect(pages == 3)
                try await eventually("they have run") { try await rig.value("select count(*) from finished_jobs where state = 'completed'") == 25 }
                #expect(try await rig.job(other).state == .dead)
            }
        }
    }

    @Test func `a higher priority goes first`() async throws {
        let order = Mutex<[Int]>([])
        let handler = JobHandler.atomic(
            "test.atomic",
            AtomicTestJob { payload, _ in
                order.withLock { $0.append(Int(payload.key ?? "") ?? -99) }
                return .done()
            })
        // One lane, batches of one, and a window of one: what goes out next is decided for each job anew.
        let queue = TestKinds.queue("fast", batch: 1, concurrency: 1, prefetch: 1)
        try await EngineRig.with(kinds: [kinds[0]], queues: [queue], handlers: [handler]) { rig in
            // A worker that finds no queue looks for rows itself, beside the relay.
            try await rig.declareQueues()
            let priorities = [0, 10, -10, 5, 5, -3, 99, -99]
            _ = try await rig.enqueue(priorities.map { NewJob("test.atomic", ["key": .string("\($0)")], priority: $0) })
            try await rig.running([.relay(rig.relay(window: 1, batch: 1)), .worker(rig.worker())]) {
                try await eventually("all have run") { order.withLock { $0.count } == priorities.count }
            }
            // What lies beyond the range counts as its end.
            let effective = order.withLock { $0 }.map { min(max($0, -10), 10) }
            #expect(effective == effective.sorted(by: >))
        }
    }

    @Test func `a payload that does not fit its kind, or an unknown kind, is refused before anything is written`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            let unknown = await #expect(throws: LedgerError.self) { try await rig.enqueue([NewJob("test.atomic", [:]), NewJob("test.atmoic", [:])]) }
            #expect(unknown?.kind == .unknownKind)
            let invalid = await #expect(throws: LedgerError.self) {
                try await rig.enqueue([NewJob("test.atomic", ["key": "fine"]), NewJob("test.atomic", ["key": 17])])
            }
            #expect(invalid?.kind == .invalidPayload)
            #expect(invalid?.message.contains("/key") == true)
            let rows = try await rig.value("select (select count(*) from jobs) + (select count(*) from outbox)")
            #expect(rows == 0)
        }
    }

    @Test func `a job exists if and only if the transaction that wants it commits`() async throws {
        struct Regret: Error {}
        try await EngineRig.with(kinds: kinds) { rig in
            let ledger = rig.ledger
            await #expect(throws: Regret.self) {
                try await rig.database.transaction { connection throws -> Void in
                    _ = try ledger.enqueue(NewJob("test.atomic", [:]), on: connection)
                    throw Regret()
                }
            }
            let rows = try await rig.value("select (select count(*) from jobs) + (select count(*) from outbox)")
            #expect(rows == 0)
        }
    }

    @Test func `a caller's clock that is ahead of the database's delays nothing`() async throws {
        let tally = Tally()
        try await EngineRig.with(kinds: kinds, handlers: [tally.atomic, tally.leased]) { rig in
            let ledger = rig.ledger
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                let id = try await rig.database.transaction { try ledger.enqueue(NewJob("test.atomic", [:]), on: $0, now: .now + .seconds(600)).id }
                try await rig.wait(id, for: .completed)
            }
        }
    }

    @Test(arguments: [3600, 0, -3600])
    func `a retry waits for its delay whatever the worker's clock says`(ahead: Int) async throws {
        let tally = Tally()
        try await EngineRig.with(kinds: kinds, handlers: [tally.atomic, tally.leased]) { rig in
            let id = try await rig.enqueue("test.leased")
            try await rig.script("delete from outbox")
            let (ledger, now) = (rig.ledger, Instant.now + .seconds(ahead))
            try await rig.database.transaction {
                let retry = Requeue(id: id, runAt: now + .seconds(60), attempt: 1, suspect: false, deaths: 0, entry: nil, permit: nil)
                _ = try ledger.requeue([retry], on: $0, now: now)
            }
            let delay: Double = try await rig.value(
                "select extract(epoch from run_at - now())::float8 from outbox where state = 'scheduled'", as: Double.self)
            #expect((30...60).contains(delay))
        }
    }

    @Test func `a job may be claimed more often than a short number counts`() async throws {
        let tally = Tally()
        try await EngineRig.with(kinds: kinds, handlers: [tally.atomic, tally.leased]) { rig in
            let id = try await rig.enqueue("test.leased")
            try await rig.script("update jobs set runs = 40000")
            try await rig.running { _ = try await rig.wait(id, for: .completed) }
        }
    }
}
