import Bytes
import JSON
import Lanes
import Postgres
import TestSupport
import Testing

@testable import Engine

/// Concurrency per key of atomic kinds: slots that go with the transaction.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct LimitSlotTests {
    private static func atomic(_ running: Running, _ body: @escaping @Sendable (AnyPayload, AtomicContext) throws -> Void) -> [JobHandler] {
        [
            .atomic(
                "test.limited",
                AtomicTestJob { payload, context in
                    running.enter(payload.key ?? "")
                    defer { running.leave(payload.key ?? "") }
                    try body(payload, context)
                    return .done()
                })
        ]
    }

    private static let kinds = [LimitTests.kind(#""concurrency": 2"#, style: "atomic")]

    @Test func `no more transactions of a key run than it has slots, and what stood aside comes by itself`() async throws {
        let (running, barrier) = (Running(), Barrier())
        let queue = TestKinds.queue("fast", batch: 1, concurrency: 6)
        let handlers = Self.atomic(running) { payload, _ in if payload.key == "full" { barrier.pass() } }
        try await EngineRig.with(kinds: Self.kinds, queues: [queue], handlers: handlers) { rig in
            _ = try await rig.enqueue(LimitTests.jobs(30, "full"))
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                try await eventually("two run, the others stand aside") { try await rig.outbox("parked") == 28 }
                #expect(running.now("full") == 2)
                // Other keys are served meanwhile.
                let other = try await rig.enqueue("test.limited", ["key": "other"])
                try await rig.wait(other, for: .completed)
                barrier.open()
                try await LimitTests.allDone(rig, 31)
            }
            #expect(running.most("full") == 2)
            #expect(try await LimitTests.isAtRest(rig))
        }
    }

    @Test func `a kind that was leased until now is held up by no mark of its keys`() async throws {
        let handlers = Self.atomic(Running()) { _, _ in }
        try await EngineRig.with(kinds: Self.kinds, handlers: handlers) { rig in
            _ = try await rig.enqueue(LimitTests.jobs(200, "a"))
            try await rig.script("insert into limit_counters (key, waiting) select distinct limit_key, true from jobs")
            #expect(try await rig.value("select count(*) from limit_counters") == 1)
            try await rig.running {
                try await LimitTests.allDone(rig, 200)
                try await eventually("the mark is gone") { try await rig.value("select count(*) from limit_counters where waiting") == 0 }
            }
            #expect(try await LimitTests.isAtRest(rig))
        }
    }

    @Test func `a batch runs all its jobs of a key in one slot`() async throws {
        let running = Running()
        let queue = TestKinds.queue("fast", batch: 20, concurrency: 3)
        let handlers = Self.atomic(running) { _, _ in pause(.milliseconds(1)) }
        try await EngineRig.with(kinds: Self.kinds, queues: [queue], handlers: handlers) { rig in
            _ = try await rig.enqueue(LimitTests.jobs(300, "a"))
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) { try await LimitTests.allDone(rig, 300) }
            #expect(running.most("a") <= 2)
            #expect(try await LimitTests.isAtRest(rig))
        }
    }

    @Test func `a run that fails or takes its connection with it gives its slot back`() async throws {
        let (running, tally) = (Running(), Tally())
        let queue = TestKinds.queue("fast", batch: 4, concurrency: 3)
        let handlers = Self.atomic(running) { _, context in
            switch tally.add() {
            case 2, 11: throw JobError(.transient, code: "again", "again")
            case 5, 9: try context.connection.script("select pg_terminate_backend(pg_backend_pid())")
            default: break
            }
        }
        try await EngineRig.with(kinds: Self.kinds, queues: [queue], handlers: handlers) { rig in
            _ = try await rig.enqueue(LimitTests.jobs(40, "a"))
            try await rig.running() { try await LimitTests.allDone(rig, 40) }
            // A run whose connection is gone has lost its slot, and its effects, a moment before its handler returns.
            #expect(running.most("a") <= 2 + 1)
            #expect(try await LimitTests.isAtRest(rig))
        }
    }

    @Test func `a job that was parked just after the slot was given back finds the slot free itself`() async throws {
        try await EngineRig.with(kinds: Self.kinds) { rig in
            let ids = try await rig.enqueue(LimitTests.jobs(3, "a")).map(\.id)
            let slots = Slots(ledger: rig.ledger)
            let key = "test.limited|\"a\""
            let use = Slots.Use(held: [], parked: [key])
            try await rig.database.run { connection in
                _ = try connection.run(SQL.Limits.park, ids)
                try slots.look(use, on: connection)
            }
            #expect(try await rig.outbox("ready") == 3)
            // While all slots are taken it stays where it is: the holder looks after his commit.
            let (held, settings) = (Barrier(), rig.settings)
            let holder = Task {
                try await offPool { () -> Result<Void, any Error> in
                    Result {
                        try Connection(settings).transaction { connection in
                            for slot in 0..<2 { try connection.run(.once("select pg_advisory_xact_lock(hashtextextended($1, $2))"), key, slot) }
                            held.pass()
                        }
                    }
                }.get()
            }
            try await eventually("the slots are taken") { held.count == 1 }
            try await rig.database.run { connection in
                _ = try connection.run(SQL.Limits.park, ids)
                try slots.look(use, on: connection)
            }
            #expect(try await rig.outbox("parked") == 3)
            held.open()
            try await holder.value
            try await rig.database.run { try slots.look(Slots.Use(held: [key], parked: []), on: $0) }
            #expect(try await rig.outbox("ready") == 3)
        }
    }

    @Test func `a crash between the commit and the look is made good by the maintenance`() async throws {
        let running = Running()
        try await EngineRig.with(kinds: Self.kinds, handlers: Self.atomic(running) { _, _ in }) { rig in
            let ids = try await rig.enqueue(LimitTests.jobs(5, "a")).map(\.id)
            try await rig.database.run { _ = try $0.run(SQL.Limits.park, ids) }
            try await rig.running() { try await LimitTests.allDone(rig, 5) }
        }
    }
}
