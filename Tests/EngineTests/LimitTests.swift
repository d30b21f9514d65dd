import Bytes
import JSON
import Lanes
import Postgres
import TestSupport
import Testing

@testable import Engine

/// Concurrency per key of leased kinds: never above, over all workers; a full key's jobs stand aside and come in turn.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct LimitTests {
    static func kind(_ limits: String, style: String = "leased") -> (file: String, text: String) {
        TestKinds.kind("test.limited", style: style, extra: #""limits": { "by": "key", \#(limits) },"#)
    }

    /// A handler that waits inside for the barrier.
    static func waiting(_ running: Running, _ barrier: Barrier) -> [JobHandler] {
        [
            .leased(
                "test.limited",
                LeasedTestJob { payload, _ in
                    running.enter(payload.key ?? "")
                    defer { running.leave(payload.key ?? "") }
                    try await barrier.wait()
                    return .done()
                })
        ]
    }

    static func jobs(_ count: Int, _ key: String, priority: Int? = nil) -> [NewJob] {
        (0..<count).map { _ in NewJob("test.limited", ["key": .string(key)], priority: priority) }
    }

    static func allDone(_ rig: EngineRig, _ count: Int) async throws {
        try await eventually("all \(count) have run", within: .seconds(60)) {
            try await rig.value("select count(*) from finished_jobs where state = 'completed'") == count
        }
    }

    /// Nothing holds a permit, and nothing is parked.
    static func isAtRest(_ rig: EngineRig) async throws -> Bool {
        let ledger = rig.ledger
        let drift = try await rig.database.run { try ledger.limitDrift(on: $0) }
        let inUse = try await rig.value("select count(*) from limit_counters c join jobs j on j.id = any(c.holders)")
        let parked = try await rig.outbox("parked")
        if !drift.isEmpty || inUse != 0 || parked != 0 { print("not at rest: \(drift), \(inUse) in use, \(parked) parked") }
        return drift.isEmpty && inUse == 0 && parked == 0
    }

    @Test func `a full key's jobs are parked, and as many are let through as permits come back`() async throws {
        let (running, barrier) = (Running(), Barrier())
        let queue = TestKinds.queue("fast", concurrency: 50)
        try await EngineRig.with(kinds: [Self.kind(#""concurrency": 2"#)], queues: [queue], handlers: Self.waiting(running, barrier)) { rig in
            _ = try await rig.enqueue(Self.jobs(12, "full") + Self.jobs(1, "other"))
            // No scheduler: what is let through is let through by the ends of runs alone.
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                try await eventually("three run, ten stand aside") { try await (running.entered, rig.outbox("parked")) == (3, 10) }
                #expect(try await rig.outbox("sent") == 0)
                #expect(try await rig.value("select cardinality(holders)::int8 from limit_counters where key = 'test.limited|\"full\"'") == 2)
                barrier.open()
                try await Self.allDone(rig, 13)
                #expect(running.most("full") == 2)
            }
            #expect(try await Self.isAtRest(rig))
        }
    }

    @Test func `parked jobs go by priority, then by age`() async throws {
        let (order, gate) = (Mailbox<Identifier>(), Barrier())
        let handlers: [JobHandler] = [
            .leased(
                "test.limited",
                LeasedTestJob { _, context in
                    order.put(context.job.id)
                    try await gate.wait()
                    return .done()
                })
        ]
        try await EngineRig.with(kinds: [Self.kind(#""concurrency": 1"#)], handlers: handlers) { rig in
            let first = try await rig.enqueue(Self.jobs(1, "a"))[0].id
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                try await eventually("one runs") { gate.count == 1 }
                let low = try await rig.enqueue(Self.jobs(2, "a", priority: -5)).map(\.id)
                let high = try await rig.enqueue(Self.jobs(2, "a", priority: 5)).map(\.id)
                try await eventually("four stand aside") { try await rig.outbox("parked") == 4 }
                gate.open()
                try await Self.allDone(rig, 5)
                #expect(order.takeAll(timeout: .zero) == [first] + high + low)
            }
        }
    }

    @Test func `a wake-up that was sent before its job was parked cannot claim it`() async throws {
        let (running, barrier) = (Running(), Barrier())
        try await EngineRig.with(kinds: [Self.kind(#""concurrency": 1"#)], handlers: Self.waiting(running, barrier)) { rig in
            _ = try await rig.enqueue(Self.jobs(2, "a"))
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                try await eventually("one runs, one stands aside") { try await (running.entered, rig.outbox("parked")) == (1, 1) }
                let (id, number): (Identifier, Int64) = try await rig.database.run { connection in
                    let row = try connection.run(.once("select job_id, publish from outbox")).only()
                    return (try row("job_id"), try row("publish"))
                }
                // Also one with the number that it has now: nobody may claim what is parked.
                try await rig.publish([
                    rig.wakeUp(id, publish: number - 1, kind: "test.limited"), rig.wakeUp(id, publish: number, kind: "test.limited"),
                ])
                try await eventually("both are taken") { try await rig.waiting() == 0 }
                let last = try await rig.enqueue("test.limited", ["key": "b"])
                try await eventually("the worker has gone on") { running.now("b") == 1 }
                #expect(running.now("a") == 1)
                #expect(try await rig.outbox("parked") == 1)
                barrier.open()
                try await rig.wait(last, for: .completed)
                try await Self.allDone(rig, 3)
            }
            #expect(try await Self.isAtRest(rig))
        }
    }

    @Test(arguments: ["failed", "snoozed", "interrupted", "dead", "cancelled", "never begun"]) func `every end of a run gives its permit back`(
        end: String
    ) async throws {
        let (runs, barrier) = (Tally(), Barrier())
        let handlers: [JobHandler] = [
            .leased(
                "test.limited",
                LeasedTestJob { _, context in
                    guard runs.add() == 1 else { return .done() }
                    while runs["go"] == 0 { try await Task.sleep(for: .milliseconds(2)) }
                    switch end {
                    case "failed": throw JobError(.transient, code: "again", "again")
                    case "snoozed": return .snooze(.milliseconds(1))
                    case "interrupted": throw JobError(.interrupted, code: "off", "off")
                    case "dead": throw JobError(.permanent, code: "never", "never")
                    default: try await barrier.wait()
                    }
                    return .done()
                })
        ]
        try await EngineRig.with(kinds: [Self.kind(#""concurrency": 1"#)], handlers: handlers) { rig in
            let first = try await rig.enqueue("test.limited", ["key": "a"])
            if end == "never begun" {
                // Its cancel is on record before the claim, which finds that out with the permit in hand.
                try await rig.script("insert into job_signals (job_id, signal) values ('\(first)', 'cancel')")
            }
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                if end != "never begun" { try await eventually("the first runs") { runs[] == 1 } }
                let second = try await rig.enqueue("test.limited", ["key": "a"])
                if end != "never begun" {
                    try await eventually("the second stands aside") { try await rig.outbox("parked") == 1 }
                } else {
                    runs.add()
                }
                runs.add("go")
                if end == "cancelled" { _ = try await rig.cancel(first) }
                try await rig.wait(second, for: .completed)
                try await rig.wait(first, for: ["dead": .dead, "cancelled": .cancelled, "never begun": .cancelled][end] ?? .completed)
            }
            #expect(try await Self.isAtRest(rig))
        }
    }

    @Test func `a parked job can be cancelled, and so can the one that was let through`() async throws {
        let (running, barrier) = (Running(), Barrier())
        try await EngineRig.with(kinds: [Self.kind(#""concurrency": 1"#)], handlers: Self.waiting(running, barrier)) { rig in
            // A worker without a queue would find the rows by itself.
            try await rig.declareQueues()
            _ = try await rig.enqueue(Self.jobs(1, "a"))
            let (relay, next) = (rig.relay(), rig.relay())
            try await rig.running([.worker(rig.worker())]) {
                relay.start()
                try await eventually("one runs") { running.entered == 1 }
                let parked = try await rig.enqueue(Self.jobs(3, "a")).map(\.id)
                try await eventually("three stand aside") { try await rig.outbox("parked") == 3 }
                #expect(try await rig.cancel(parked[0]) == .cancelled)
                #expect(try await rig.outbox("parked") == 2)
                // With no relay, what is let through stays where it is: and when it is cancelled there, the one behind it comes.
                await offPool { _ = relay.stop() }
                barrier.open()
                try await eventually("the next one is let through") { try await rig.outbox("ready") == 1 }
                #expect(try await rig.value("select job_id from outbox where state = 'ready'", as: Identifier.self) == parked[1])
                #expect(try await rig.cancel(parked[1]) == .cancelled)
                #expect(try await rig.value("select job_id from outbox where state = 'ready'", as: Identifier.self) == parked[2])
                next.start()
                try await rig.wait(parked[2], for: .completed)
                await offPool { _ = next.stop() }
            }
            #expect(try await Self.isAtRest(rig))
        }
    }

    @Test func `a dead job that is retried is under its limit again`() async throws {
        let (running, barrier) = (Running(), Barrier())
        try await EngineRig.with(kinds: [Self.kind(#""concurrency": 1"#)], handlers: Self.waiting(running, barrier)) { rig in
            let ledger = rig.ledger
            let dead = try await rig.enqueue(Self.jobs(1, "a"))[0].id
            let runner = try await rig.enqueue(Self.jobs(1, "a"))[0].id
            try await rig.database.transaction { connection in
                try connection.run(SQL.Ledger.deleteWaiting, dead)
                _ = try ledger.finish(
                    [Finish(id: dead, state: .dead, retentionDays: 1, attempt: 3, permit: nil)], on: connection)
            }
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                try await eventually("the other runs") { running.entered == 1 }
                try await rig.database.transaction { try ledger.retry(dead, on: $0) }
                try await eventually("the dead one stands aside") { try await rig.outbox("parked") == 1 }
                barrier.open()
                try await rig.wait(dead, for: .completed)
                try await rig.wait(runner, for: .completed)
            }
            #expect(running.most("a") == 1)
            #expect(try await Self.isAtRest(rig))
        }
    }

    @Test func `a pause keeps what was let through, and parked jobs wait for their turn all the same`() async throws {
        let (running, barrier) = (Running(), Barrier())
        try await EngineRig.with(kinds: [Self.kind(#""concurrency": 1"#)], handlers: Self.waiting(running, barrier)) { rig in
            _ = try await rig.enqueue(Self.jobs(4, "a"))
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                try await eventually("one runs") { try await (running.entered, rig.outbox("parked")) == (1, 3) }
                try await rig.pause(true)
                barrier.open()
                try await eventually("the next one is let through") { try await rig.outbox("ready") == 1 }
                #expect(try await rig.outbox("parked") == 2)
                #expect(running.entered == 1)
                try await rig.pause(false)
                try await Self.allDone(rig, 4)
            }
            #expect(try await Self.isAtRest(rig))
        }
    }

    @Test func `a rescued lease gives its permit back`() async throws {
        let (running, barrier) = (Running(), Barrier())
        barrier.open()
        try await EngineRig.with(kinds: [Self.kind(#""concurrency": 1"#)], handlers: Self.waiting(running, barrier)) { rig in
            // A worker that is dead: its lease stands, its lock is nobody's.
            let (worker, lost) = (Identifier.next(), try await rig.enqueue(Self.jobs(1, "a"))[0].id)
            try await rig.script(
                """
                insert into workers (id, lock, host, process, role, queues) values ('\(worker)', 99999, 'h', 1, 'w', '{fast}');
                insert into limit_counters (key, holders) values ('test.limited|"a"', '{\(lost)}');
                """)
            try await rig.lease([lost], by: worker)
            let next = try await rig.enqueue(Self.jobs(1, "a"))[0].id
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                try await eventually("the next one stands aside") { try await rig.outbox("parked") == 1 }
                try await rig.running([.scheduler(rig.scheduler())]) {
                    try await rig.wait(lost, for: .completed)
                    try await rig.wait(next, for: .completed)
                }
            }
            #expect(running.most("a") == 1)
            #expect(try await Self.isAtRest(rig))
        }
    }

    @Test func `a key may have a limit of its own, raised, lowered and taken away while jobs wait`() async throws {
        let (running, barrier) = (Running(), Barrier())
        let queue = TestKinds.queue("fast", concurrency: 50)
        try await EngineRig.with(kinds: [Self.kind(#""concurrency": 2"#)], queues: [queue], handlers: Self.waiting(running, barrier)) { rig in
            let ledger = rig.ledger
            func set(_ concurrency: Int, _ key: String) async throws {
                let limit = LimitOverride(concurrency: concurrency)
                try await rig.database.run { try ledger.setLimit(limit, kind: "test.limited", value: .string(key), on: $0) }
            }
            try await set(0, "closed")
            try await set(5, "wide")
            _ = try await rig.enqueue(Self.jobs(3, "closed") + Self.jobs(9, "wide") + Self.jobs(4, "plain"))
            try await rig.running() {
                try await eventually("as many run as each may") { (running.now("wide"), running.now("plain")) == (5, 2) }
                try await eventually("the rest stands aside") { try await rig.outbox("parked") == 9 }
                #expect(running.now("closed") == 0)
                try await set(1, "closed")
                try await eventually("one of the closed runs") { running.now("closed") == 1 }
                try await set(7, "wide")
                try await eventually("two more run") { running.now("wide") == 7 }
                try await rig.database.run { try ledger.removeLimit(kind: "test.limited", value: "closed", on: $0) }
                try await eventually("the kind's limit holds again") { running.now("closed") == 2 }
                barrier.open()
                try await Self.allDone(rig, 16)
            }
            #expect((running.most("wide"), running.most("plain"), running.most("closed")) == (7, 2, 2))
            #expect(try await Self.isAtRest(rig))
        }
    }

    @Test func `two claims of one key skip each other, and what was skipped comes again`() async throws {
        let (running, barrier) = (Running(), Barrier())
        barrier.open()
        try await EngineRig.with(kinds: [Self.kind(#""concurrency": 5"#)], handlers: Self.waiting(running, barrier)) { rig in
            try await rig.script("insert into limit_counters (key) values ('test.limited|\"held\"')")
            let held = Barrier()
            let holder = Task { [database = rig.database] in
                try await database.transaction { connection in
                    try connection.script("select from limit_counters for update")
                    held.pass()
                }
            }
            try await eventually("the counter is held") { held.count == 1 }
            let blocked = try await rig.enqueue(Self.jobs(1, "held"))[0].id
            let others = try await rig.enqueue(Self.jobs(5, "free")).map(\.id)
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                for id in others { try await rig.wait(id, for: .completed) }
                #expect(try await rig.job(blocked).state == .queued)
                #expect(running.entered == 5)
                held.open()
                try await holder.value
                try await rig.wait(blocked, for: .completed)
            }
            #expect(try await Self.isAtRest(rig))
        }
    }

    @Test func `the rows of idle keys go away, and what is still in use stays`() async throws {
        try await EngineRig.with(kinds: [Self.kind(#""concurrency": 5"#)]) { rig in
            let keeper = LimitKeeper(ledger: rig.ledger, log: rig.log)
            let held = try await rig.enqueue(Self.jobs(1, "a"))[0].id
            try await rig.script(
                """
                insert into limit_counters (key, holders) select 'idle' || n, array[gen_random_uuid()] from generate_series(1, 10500) n;
                insert into limit_counters (key, holders) values ('in use', '{\(held)}');
                insert into limit_counters (key, waiting) values ('waited for', true);
                insert into limit_counters (key, full_at) values ('not yet full', (extract(epoch from now()) * 1000000)::int8 + 60000000);
                """)
            try await rig.database.run { try keeper.keepHouse($0) }
            let left = try await rig.value("select string_agg(key, ', ' order by key) from limit_counters", as: String.self)
            #expect(left == "in use, not yet full, waited for")
            // It runs under its own key, which does not know of it.
            try await rig.lease([held], by: .next())
            let ledger = rig.ledger
            #expect(try await rig.database.run { try ledger.limitDrift(on: $0) } == [LimitDrift(key: #"test.limited|"a""#, unlisted: 1)])
        }
    }

    @Test func `a suspect that is parked did not die`() async throws {
        let (running, barrier) = (Running(), Barrier())
        barrier.open()
        try await EngineRig.with(kinds: [Self.kind(#""concurrency": 1"#)], handlers: Self.waiting(running, barrier)) { rig in
            let ledger = rig.ledger
            let id = try await rig.enqueue(Self.jobs(1, "a"))[0].id
            try await rig.script("update outbox set suspect = true; update jobs set suspect = true")
            try await rig.database.run { try ledger.setLimit(LimitOverride(concurrency: 0), kind: "test.limited", value: "a", on: $0) }
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                for _ in 0..<5 {
                    try await eventually("it stands aside") { try await rig.outbox("parked") == 1 }
                    #expect(try await rig.value("select deaths::int8 from jobs") == 0)
                    try await rig.script("update outbox set state = 'ready', publish = default")
                    rig.bell.ring()
                }
                try await rig.database.run { try ledger.removeLimit(kind: "test.limited", value: "a", on: $0) }
                try await rig.running([.scheduler(rig.scheduler())]) { _ = try await rig.wait(id, for: .completed) }
            }
            #expect(running.entered == 1)
        }
    }
}
