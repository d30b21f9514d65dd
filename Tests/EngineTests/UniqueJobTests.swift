import Bytes
import Clocks
import JSON
import Postgres
import TestSupport
import Testing

@testable import Engine

/// A second job with the same key folds into the first one.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct UniqueJobTests {
    private func kind(style: String = "leased", unique: String) -> (file: String, text: String) {
        TestKinds.kind("test.job", style: style, attempts: 3, backoff: #"{ "delays": ["1ms"] }"#, extra: "\"unique\": \(unique),")
    }

    private func job(_ key: String?) -> NewJob { NewJob("test.job", key.map { ["key": .string($0)] } ?? [:]) }

    @Test(arguments: ["queued", "queuedOrRunning"]) func `a second one returns the first one's id`(states: String) async throws {
        try await EngineRig.with(kinds: [kind(unique: #"{ "by": ["key"], "states": "\#(states)" }"#)]) { rig in
            let first = try await rig.enqueue([job("a")])[0]
            let again = try await rig.enqueue([job("a")])[0]
            let other = try await rig.enqueue([job("b")])[0]
            #expect(first.isNew)
            #expect(again == EnqueuedJob(id: first.id, isNew: false))
            #expect(other.isNew)
            #expect(try await rig.value("select count(*) from jobs") == 2)
            #expect(try await rig.value("select count(*) from outbox") == 2)
        }
    }

    @Test func `many at once, with twins among them, fold the same way`() async throws {
        try await EngineRig.with(kinds: [kind(unique: #"{ "by": ["key"] }"#)]) { rig in
            let first = try await rig.enqueue([job("a")])[0]
            // More than one statement's worth, so that twins meet inside one statement and across two.
            let keys = (0..<1500).map { ["a", "b", "c", nil, "\($0)"][$0 % 5] }
            let results = try await rig.enqueue(keys.map(job))
            #expect(results.count == 1500)
            for (key, result) in zip(keys, results) where key == "a" { #expect(result == EnqueuedJob(id: first.id, isNew: false)) }
            for key in ["b", "c", nil] {
                let folded = zip(keys, results).filter { $0.0 == key }.map(\.1)
                #expect(Set(folded.map(\.id)).count == 1)
                #expect(folded.filter(\.isNew).count == 1)
            }
            #expect(results.filter(\.isNew).count == 303)
            #expect(try await rig.value("select count(*) from outbox") == 304)
        }
    }

    @Test func `of eight connections that enqueue the same key at once, one makes a job`() async throws {
        try await EngineRig.with(kinds: [kind(unique: #"{ "by": ["key"] }"#)]) { rig in
            let lanes = Database(rig.settings, lanes: 8, name: "enqueuers")
            let ledger = rig.ledger
            for round in 0..<10 {
                let keys = (0..<6).map { "\(round)/\($0)" }
                let results = try await withThrowingTaskGroup(of: [EnqueuedJob].self) { group in
                    for worker in 0..<8 {
                        // Each in another order: they would deadlock if each locked in its own.
                        let jobs = (worker.isMultiple(of: 2) ? keys : keys.reversed()).map(job)
                        group.addTask {
                            let results = try await lanes.transaction { try ledger.enqueue(jobs, on: $0) }
                            return worker.isMultiple(of: 2) ? results : results.reversed()
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                for index in keys.indices {
                    #expect(Set(results.map { $0[index].id }).count == 1)
                    #expect(results.filter { $0[index].isNew }.count == 1)
                }
            }
            #expect(try await rig.value("select count(*) from jobs") == 60)
            lanes.stop()
        }
    }

    @Test func `windows keep jobs apart`() async throws {
        try await EngineRig.with(kinds: [kind(unique: #"{ "by": ["key"], "window": "1h" }"#)]) { rig in
            let ledger = rig.ledger
            let start = Instant(seconds: 1_800_000_000)
            let new = try await rig.database.transaction { connection in
                try [0, 1799, 3599, 3600, 7199, 7200].map { offset in
                    try ledger.enqueue(NewJob("test.job", ["key": "a"]), on: connection, now: start + .seconds(offset)).isNew
                }
            }
            #expect(new == [true, false, false, true, false, true])
        }
    }

    @Test func `a key of any length is a key`() async throws {
        try await EngineRig.with(kinds: [kind(unique: #"{ "by": ["key"] }"#)]) { rig in
            let long = String(repeating: "x", count: 20_000)
            let results = try await rig.enqueue([job(long), job(long), job(long + "y"), job("\0\u{1F4A5}"), job("\0\u{1F4A5}")])
            #expect(results.map(\.isNew) == [true, false, true, true, false])
        }
    }

    @Test(arguments: ["queued", "queuedOrRunning"])
    func `a job folds into a waiting one and never into one that runs, unless the kind says so`(states: String) async throws {
        let barrier = Barrier()
        let handler = JobHandler.leased(
            "test.job",
            LeasedTestJob { _, _ in
                try await barrier.wait()
                return .done()
            })
        try await EngineRig.with(kinds: [kind(unique: #"{ "by": ["key"], "states": "\#(states)" }"#)], handlers: [handler]) { rig in
            try await rig.running {
                let first = try await rig.enqueue([job("a")])[0]
                try await eventually("it runs") { barrier.count == 1 }
                let second = try await rig.enqueue([job("a")])[0]
                #expect(second.isNew == (states == "queued"))
                #expect((second.id == first.id) == (states == "queuedOrRunning"))
                barrier.open()
                try await rig.wait(first.id, for: .completed)
                try await rig.wait(second.id, for: .completed)
                // The key is free again.
                #expect(try await rig.enqueue([job("a")])[0].isNew)
            }
        }
    }

    @Test func `an atomic job that is being run is not folded into`() async throws {
        let barrier = Barrier()
        let handler = JobHandler.atomic(
            "test.job",
            AtomicTestJob { _, _ in
                barrier.pass()
                return .done()
            })
        try await EngineRig.with(kinds: [kind(style: "atomic", unique: #"{ "by": ["key"] }"#)], handlers: [handler]) { rig in
            try await rig.running {
                let first = try await rig.enqueue([job("a")])[0]
                try await eventually("it runs") { barrier.count == 1 }
                let second = Task { try await rig.enqueue([job("a")])[0] }
                // Whether the first one's transaction holds is not known yet, so the second one waits for that.
                try await eventually("the enqueuer waits") {
                    try await rig.value("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") == 1
                }
                barrier.open()
                let enqueued = try await second.value
                #expect(enqueued.isNew)
                try await rig.wait(first.id, for: .completed)
                try await rig.wait(enqueued.id, for: .completed)
            }
        }
    }

    @Test func `a waiting job does not start unseen while another folds into it`() async throws {
        let tally = Tally()
        let handler = JobHandler.leased(
            "test.job",
            LeasedTestJob { _, _ in
                tally.add()
                return .done()
            })
        try await EngineRig.with(kinds: [kind(unique: #"{ "by": ["key"] }"#)], handlers: [handler]) { rig in
            let first = try await rig.enqueue([job("a")])[0]
            let (barrier, ledger) = (Barrier(), rig.ledger)
            let second = Task {
                try await rig.database.transaction { connection in
                    let result = try ledger.enqueue([NewJob("test.job", ["key": "a"])], on: connection)
                    barrier.pass()
                    return result[0]
                }
            }
            try await eventually("it has folded") { barrier.count == 1 }
            try await rig.running {
                try await eventually("the scheduler and the worker have come up") { try await rig.value("select count(*) from workers") == 1 }
                #expect(tally.total == 0)
                barrier.open()
                #expect(try await second.value == EnqueuedJob(id: first.id, isNew: false))
                try await rig.wait(first.id, for: .completed)
            }
        }
    }

    @Test(arguments: ["retry", "snooze", "stop"]) func `what would go back to the queue gives way to a newer twin and says so`(end: String)
        async throws
    {
        let barrier = Barrier()
        let tally = Tally()
        let handler = JobHandler.leased(
            "test.job",
            LeasedTestJob { _, _ in
                guard tally.add() == 1 else { return .done() }
                try await barrier.wait()
                if end == "snooze" { return .snooze(.milliseconds(1)) }
                throw end == "retry" ? JobError(.transient, code: "nope", "once more") : JobError(.interrupted, code: "off", "broken off")
            })
        try await EngineRig.with(kinds: [kind(unique: #"{ "by": ["key"] }"#)], queues: [TestKinds.queue("fast", concurrency: 1)], handlers: [handler])
        { rig in
            try await rig.running {
                let first = try await rig.enqueue([job("a")])[0]
                try await eventually("it runs") { barrier.count == 1 }
                let twin = try await rig.enqueue([job("a")])[0]
                #expect(twin.isNew)
                barrier.open()
                let ended = try await rig.wait(first.id, for: .cancelled)
                #expect(ended.errorCode == "superseded")
                #expect(ended.error?.contains(twin.id.text("job")) == true)
                try await rig.wait(twin.id, for: .completed)
            }
        }
    }

    @Test func `a dead job does not come back beside a living twin`() async throws {
        let handler = JobHandler.leased("test.job", LeasedTestJob { _, _ in throw JobError(.permanent, code: "nope", "never") })
        try await EngineRig.with(kinds: [kind(unique: #"{ "by": ["key"] }"#)], handlers: [handler]) { rig in
            let ledger = rig.ledger
            var dead: [Identifier] = []
            try await rig.running {
                for key in ["a", "a", "a", "b"] { dead.append(try await rig.wait(rig.enqueue([job(key)])[0].id, for: .dead).id) }
            }
            // Three with one key: one of them comes back.
            let all = try await rig.database.transaction {
                try ledger.retryAll(queue: nil, kind: "test.job", after: Identifier(high: 0, low: 0), on: $0)
            }
            #expect(all.revived == 2)
            #expect(try await rig.value("select count(*) from outbox") == 2)
            let living = try await rig.value("select count(*) from jobs where id = $1", dead[0])
            #expect(living == 1)
            for id in dead[1...2] {
                let error = await #expect(throws: LedgerError.self) { try await rig.database.transaction { try ledger.retry(id, on: $0) } }
                #expect(error?.kind == .wrongState)
                #expect(try await rig.job(id).state == .dead)
            }
        }
    }

    @Test func `a dead job that comes back at the moment in which a twin is enqueued leaves one of them`() async throws {
        let handler = JobHandler.leased("test.job", LeasedTestJob { _, _ in throw JobError(.permanent, code: "nope", "never") })
        try await EngineRig.with(kinds: [kind(unique: #"{ "by": ["key"] }"#)], handlers: [handler]) { rig in
            let (ledger, barrier) = (rig.ledger, Barrier())
            let dead = try await rig.running { try await rig.wait(rig.enqueue([job("a")])[0].id, for: .dead).id }
            let enqueuer = Task {
                try await rig.database.transaction { connection in
                    _ = try ledger.enqueue([NewJob("test.job", ["key": "a"])], on: connection)
                    barrier.pass()
                }
            }
            try await eventually("the twin is there, not committed") { barrier.count == 1 }
            let retry = Task { try await rig.database.transaction { try ledger.retry(dead, on: $0) } }
            try await eventually("the retry waits for it") {
                try await rig.value("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") == 1
            }
            barrier.open()
            try await enqueuer.value
            let error = await #expect(throws: LedgerError.self) { try await retry.value }
            #expect(error?.kind == .wrongState)
            #expect(try await rig.job(dead).state == .dead)
            #expect(try await rig.value("select count(*) from jobs") == 1)
        }
    }
}
