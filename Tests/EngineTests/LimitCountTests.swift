import Bytes
import Clocks
import JSON
import Lanes
import Postgres
import TestSupport
import Testing

@testable import Engine

/// How the jobs of a key are counted: by those that run, and nobody who waits is overlooked by the end that makes room for him.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct LimitCountTests {
    private static let key = #"test.limited|"a""#

    /// A job of the key `a` that runs somewhere, counted by its key.
    private static func runner(_ rig: EngineRig, isWaitedFor: Bool = false) async throws -> Identifier {
        let id = try await rig.enqueue(LimitTests.jobs(1, "a"))[0].id
        try await rig.lease([id], by: .next())
        try await rig.script("insert into limit_counters (key, holders, waiting) values ('\(key)', '{\(id)}', \(isWaitedFor))")
        return id
    }

    private static func end(_ id: Identifier, _ ledger: Ledger, on connection: Connection) throws {
        let ended = Finish(id: id, state: .completed, retentionDays: 1, startedAt: .now, attempt: 1, permit: key)
        try ledger.giveBack(ledger.finish([ended], on: connection), on: connection)
    }

    @Test func `a job that meets a run which is just ending comes again, and is not parked`() async throws {
        let (running, open, held) = (Running(), Barrier(), Barrier())
        open.open()
        try await EngineRig.with(kinds: [LimitTests.kind(#""concurrency": 1"#)], handlers: LimitTests.waiting(running, open)) { rig in
            let first = try await Self.runner(rig)
            // The end has seen that nobody waits, and is not yet committed.
            let ending = Task { [database = rig.database, ledger = rig.ledger] in
                try await database.transaction { connection in
                    try Self.end(first, ledger, on: connection)
                    held.pass()
                }
            }
            try await eventually("the first is about to end") { held.count == 1 }
            let second = try await rig.enqueue(LimitTests.jobs(1, "a"))[0].id
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                try await eventually("the second has come several times") { rig.metric("millrace_relay_published_total") >= 3 }
                #expect(try await rig.value("select count(*) from limit_counters where waiting") == 0)
                #expect(try await rig.outbox("parked") == 0)
                #expect(running.entered == 0)
                held.open()
                try await ending.value
                try await rig.wait(second, for: .completed)
            }
        }
    }

    @Test func `the end of a run waits for a claim that has just counted it, and lets through what that has parked`() async throws {
        let held = Barrier()
        try await EngineRig.with(kinds: [LimitTests.kind(#""concurrency": 1"#)]) { rig in
            let first = try await Self.runner(rig)
            let second = try await rig.enqueue(LimitTests.jobs(1, "a"))[0].id
            let claim = Task { [database = rig.database, ledger = rig.ledger] in
                try await database.transaction { connection in
                    let row = LimitedRow(id: second, key: Self.key, isGated: false, rank: 0)
                    let admission = try ledger.admit(Claim.Selection(claimable: [second], limited: [row]), areSuspects: false, on: connection)
                    #expect(admission.admitted.isEmpty && admission.full.map(\.id) == [second])
                    try ledger.putAside(admission, on: connection)
                    held.pass()
                }
            }
            try await eventually("the claim is about to commit") { held.count == 1 }
            let end = Task { [database = rig.database, ledger = rig.ledger] in
                try await database.transaction { try Self.end(first, ledger, on: $0) }
            }
            try await eventually("the end waits for the claim") {
                try await rig.value("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") == 1
            }
            held.open()
            try await claim.value
            try await end.value
            #expect(try await rig.outbox("ready") == 1)
            #expect(try await rig.value("select count(*) from limit_counters where waiting") == 0)
        }
    }

    @Test func `fresh jobs of a key for which others wait are parked by the relay, and travel to nobody`() async throws {
        let (running, open) = (Running(), Barrier())
        open.open()
        try await EngineRig.with(kinds: [LimitTests.kind(#""concurrency": 1"#)], handlers: LimitTests.waiting(running, open)) { rig in
            try await rig.declareQueues()
            let first = try await Self.runner(rig, isWaitedFor: true)
            try await rig.running([.relay(rig.relay())]) {
                _ = try await rig.enqueue(LimitTests.jobs(50, "a") + LimitTests.jobs(1, "z"))
                try await eventually("they stand aside") { try await rig.outbox("parked") == 50 }
                try await eventually("the other one has gone out") { rig.metric("millrace_relay_published_total") == 1 }
                #expect(try await rig.waiting() == 1)
                let ledger = rig.ledger
                try await rig.database.transaction { try Self.end(first, ledger, on: $0) }
                try await rig.running([.worker(rig.worker())]) { try await LimitTests.allDone(rig, 52) }
            }
            #expect(running.most("a") == 1)
            #expect(try await LimitTests.isAtRest(rig))
        }
    }

    @Test func `letting one through costs the same however many wait`() async throws {
        try await EngineRig.with(kinds: [LimitTests.kind(#""concurrency": 1"#)]) { rig in
            let ledger = rig.ledger
            // Entries of the index that letting through has read; in one session, whose plans are made while nothing waits.
            let read = try await rig.database.run { connection in
                try connection.script("insert into limit_counters (key, waiting) values ('\(Self.key)', true)")
                try connection.transaction { try ledger.letThrough([Self.key], on: $0) }
                try ledger.enqueue(LimitTests.jobs(5000, "a"), on: connection)
                try connection.script("update outbox set state = 'parked', gated = true; update limit_counters set waiting = true")
                return try connection.transaction { connection in
                    try ledger.letThrough([Self.key], on: connection)
                    let read = try connection.run(.once("select pg_stat_get_xact_tuples_returned('outbox_gated'::regclass) as count")).only()
                    return try read("count") as Int
                }
            }
            #expect(try await rig.outbox("ready") == 1)
            #expect((1..<50).contains(read), "\(read)")
        }
    }

    @Test func `a key with room for hundreds is counted as exactly as one with room for two`() async throws {
        let (running, barrier) = (Running(), Barrier())
        let queue = TestKinds.queue("fast", concurrency: 400)
        try await EngineRig.with(kinds: [LimitTests.kind(#""concurrency": 200"#)], queues: [queue], handlers: LimitTests.waiting(running, barrier)) {
            rig in
            _ = try await rig.enqueue(LimitTests.jobs(300, "wide"))
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                try await eventually("as many run as may") { try await (running.now("wide"), rig.outbox("parked")) == (200, 100) }
                barrier.open()
                try await LimitTests.allDone(rig, 300)
            }
            #expect(running.most("wide") == 200)
            #expect(try await LimitTests.isAtRest(rig))
        }
    }
}
