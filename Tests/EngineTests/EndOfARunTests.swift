import Bytes
import Clocks
import Engine
import JSON
import Postgres
import TestSupport
import Testing

/// What becomes of a job whose handler ends in one way or another.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct EndOfARunTests {
    private let styles = ["atomic", "leased"]

    /// One kind in both styles, run by one closure.
    private func both(
        attempts: Int = 3, backoff: String = #"{ "base": "1ms", "cap": "2ms" }"#, timeout: String = "5s",
        _ run: @escaping @Sendable (String, ClaimedJob) throws -> Outcome
    ) -> (kinds: [(file: String, text: String)], handlers: [JobHandler]) {
        (
            ["atomic", "leased"].map { TestKinds.kind("test.\($0)", style: $0, attempts: attempts, backoff: backoff, timeout: timeout) },
            [
                .atomic("test.atomic", AtomicTestJob { payload, context in try run(payload.key ?? "", context.job) }),
                .leased("test.leased", LeasedTestJob { payload, context in try run(payload.key ?? "", context.job) }),
            ]
        )
    }

    @Test func `a snooze spends no attempt`() async throws {
        let tally = Tally()
        let (kinds, handlers) = both(attempts: 1) { _, job in
            tally.add("\(job.kind) attempt \(job.attempt)")
            return tally.add(job.kind) < 4 ? .snooze(.milliseconds(1)) : .done()
        }
        try await EngineRig.with(kinds: kinds, handlers: handlers) { rig in
            try await rig.running {
                for style in styles {
                    let job = try await rig.wait(rig.enqueue("test.\(style)"), for: .completed)
                    #expect(job.attempt == 1)
                    #expect(job.attempts.isEmpty)
                    #expect(tally["test.\(style) attempt 1"] == 4)
                }
            }
        }
    }

    @Test func `an interruption spends no attempt and stays in the history`() async throws {
        let tally = Tally()
        let (kinds, handlers) = both(attempts: 1) { _, job in
            if tally.add(job.kind) < 3 { throw CancellationError() }
            return .done()
        }
        try await EngineRig.with(kinds: kinds, handlers: handlers) { rig in
            try await rig.running {
                for style in styles {
                    let job = try await rig.wait(rig.enqueue("test.\(style)"), for: .completed)
                    #expect(job.attempt == 1)
                    #expect(job.attempts.map { $0["outcome"]?.string } == ["interrupted", "interrupted"])
                }
            }
        }
    }

    @Test func `a permanent error is the end at once`() async throws {
        let (kinds, handlers) = both { _, _ in throw JobError(.permanent, code: "refused", "the other side said no") }
        try await EngineRig.with(kinds: kinds, handlers: handlers) { rig in
            try await rig.running {
                for style in styles {
                    let job = try await rig.wait(rig.enqueue("test.\(style)"), for: .dead)
                    #expect(job.attempt == 1)
                    #expect(job.errorCode == "refused")
                    #expect(job.error == "the other side said no")
                    #expect(job.attempts.count == 1)
                }
            }
        }
    }

    @Test func `throttled waits at least as long as it was told`() async throws {
        let tally = Tally()
        let (kinds, handlers) = both { _, job in
            if tally.add(job.kind) == 1 { throw JobError(.throttled(after: .seconds(1000)), code: "http_429", "slow down") }
            return .done()
        }
        try await EngineRig.with(kinds: kinds, handlers: handlers) { rig in
            try await rig.running {
                for style in styles {
                    let id = try await rig.enqueue("test.\(style)")
                    try await eventually("it has run") { try await rig.job(id).attempts.count == 1 }
                    let job = try await rig.job(id)
                    #expect(job.state == .queued)
                    #expect(job.runAt > .now + .seconds(990))
                }
            }
        }
    }

    @Test func `delays beyond reason end within reason`() async throws {
        let tally = Tally()
        let (kinds, handlers) = both { key, job in
            tally.add(job.kind)
            if key == "snooze" { return .snooze(.seconds(Int64.max)) }
            throw JobError(.throttled(after: .seconds(Int64.max)), code: "http_429", "never come back")
        }
        try await EngineRig.with(kinds: kinds, handlers: handlers) { rig in
            try await rig.running {
                for style in styles {
                    for key in ["snooze", "throttle"] {
                        let id = try await rig.enqueue("test.\(style)", ["key": .string(key)])
                        try await eventually("it has run") { try await rig.job(id).runAt > .now + .seconds(86_400 * 365) }
                        #expect(try await rig.job(id).state == .queued)
                    }
                }
            }
        }
    }

    @Test func `an error's text of any kind can be kept`() async throws {
        let (kinds, handlers) = both { _, _ in
            throw JobError(.permanent, code: "bad\0code", "a\0b" + String(repeating: "\u{1F4A5}", count: 100_000))
        }
        try await EngineRig.with(kinds: kinds, handlers: handlers) { rig in
            try await rig.running {
                for style in styles {
                    let job = try await rig.wait(rig.enqueue("test.\(style)"), for: .dead)
                    #expect(job.errorCode == "badcode")
                    #expect(job.error?.unicodeScalars.count == 2000)
                }
            }
        }
    }

    @Test func `a payload that does not decode is dead with a clear error`() async throws {
        let tally = Tally()
        let (kinds, handlers) = both { _, _ in
            tally.add()
            return .done()
        }
        try await EngineRig.with(kinds: kinds, handlers: handlers) { rig in
            for style in styles {
                // As an older version may have written it: the ledger of today would refuse it. The last one is JSON for PostgreSQL and none for us.
                let wrong = try await rig.enqueue("test.\(style)")
                let broken = try await rig.enqueue("test.\(style)")
                try await rig.script(
                    """
                    update jobs set payload = '{"key": 17}' where id = '\(wrong)';
                    update jobs set payload = '{"key": "\\ud800"}' where id = '\(broken)';
                    """)
                let good = try await rig.enqueue("test.\(style)", ["key": "good"])
                try await rig.running {
                    try await rig.wait(good, for: .completed)
                    #expect(try await rig.wait(wrong, for: .dead).errorCode == "invalid_payload")
                    try await eventually("the broken one is dead") {
                        try await rig.value(
                            "select count(*) from finished_jobs where id = $1 and state = 'dead' and error_code = 'invalid_payload'", broken) == 1
                    }
                }
            }
            #expect(tally.total == 2)
        }
    }

    @Test func `an unknown kind is dead with a clear error`() async throws {
        let (kinds, handlers) = both { _, _ in .done() }
        try await EngineRig.with(kinds: kinds, handlers: handlers) { rig in
            let id = try await rig.enqueue("test.atomic")
            try await rig.script("update jobs set kind = 'gone.away'; update outbox set kind = 'gone.away'")
            try await rig.running {
                let job = try await rig.wait(id, for: .dead)
                #expect(job.errorCode == "unknown_kind")
                #expect(job.error?.contains("gone.away") == true)
            }
        }
    }

    @Test func `a leased job over its timeout is broken off and tried again`() async throws {
        let tally = Tally()
        let kind = TestKinds.kind("test.leased", style: "leased", timeout: "100ms")
        let handler = JobHandler.leased(
            "test.leased",
            LeasedTestJob { _, _ in
                if tally.add() == 1 { try await Task.sleep(for: .seconds(60)) }
                return .done()
            })
        try await EngineRig.with(kinds: [kind], handlers: [handler]) { rig in
            try await rig.running {
                let job = try await rig.wait(rig.enqueue("test.leased"), for: .completed)
                #expect(job.attempt == 2)
                #expect(job.attempts.map { $0["code"]?.string } == ["timeout"])
            }
        }
    }

    @Test func `an atomic job over its timeout is broken off in the middle of a statement, and its batch is done`() async throws {
        let tally = Tally()
        let kind = TestKinds.kind("test.atomic", style: "atomic", timeout: "2s")
        let handler = JobHandler.atomic(
            "test.atomic",
            AtomicTestJob { payload, context in
                if payload.key == "slow", tally.add("slow") == 1 { try context.connection.script("select pg_sleep(20)") }
                try context.connection.run(.once("insert into effects values ($1)"), payload.key)
                return .done()
            })
        try await EngineRig.with(kinds: [kind], handlers: [handler]) { rig in
            try await rig.script("create table effects (key text)")
            // One wake-up each: a second one would be waiting for the row, and begin before the end of the first run is written.
            try await rig.declareQueues()
            let keys = ["a", "b", "slow", "c"]
            let ids = try await rig.enqueue(keys.map { NewJob("test.atomic", ["key": .string($0)]) }).map(\.id)
            try await rig.running {
                for id in ids { try await rig.wait(id, for: .completed) }
                let attempts = try await rig.job(ids[2]).attempts
                #expect(attempts.map { $0["code"]?.string } == ["timeout"])
            }
            for key in keys { #expect(try await rig.value("select count(*) from effects where key = $1", key) == 1) }
        }
    }

    @Test func `an effect beside the completion of a leased job happens with it or not at all`() async throws {
        let tally = Tally()
        let kind = TestKinds.kind("test.leased", style: "leased")
        let handler = JobHandler.leased(
            "test.leased",
            LeasedTestJob { payload, _ in
                let key = payload.key ?? ""
                let run = tally.add(key)
                return .done(committing: { connection in
                    try connection.run(.once("insert into effects values ($1)"), key)
                    // The second one violates something only at the commit.
                    if key == "late", run == 1 { try connection.script("insert into promises values (1)") }
                    if key == "now", run == 1 { throw JobError(.transient, code: "not_yet", "once more") }
                })
            })
        try await EngineRig.with(kinds: [kind], handlers: [handler]) { rig in
            try await rig.script(
                """
                create table effects (key text);
                create table promised (id integer primary key);
                create table promises (id integer references promised deferrable initially deferred);
                """)
            let ids = try await rig.enqueue(["a", "now", "late", "b"].map { NewJob("test.leased", ["key": .string($0)]) }).map(\.id)
            try await rig.running {
                for index in [0, 1, 3] { try await rig.wait(ids[index], for: .completed) }
                let late = try await rig.wait(ids[2], for: .dead)
                #expect(late.errorCode == "sql_23503")
            }
            #expect(tally["now"] == 2)
            for (key, count) in ["a": 1, "b": 1, "now": 1, "late": 0] {
                #expect(try await rig.value("select count(*) from effects where key = $1", key) == count)
            }
        }
    }

    @Test func `the effects of a failed delivery are kept with the failure`() async throws {
        let kind = TestKinds.kind("test.leased", style: "leased", attempts: 2)
        let handler = JobHandler.leased(
            "test.leased",
            LeasedTestJob { _, context in
                let attempt = context.job.attempt
                throw FailureWithEffects(JobError(.transient, code: "http_503", "busy")) { connection in
                    try connection.run(.once("insert into deliveries values ($1)"), attempt)
                }
            })
        try await EngineRig.with(kinds: [kind], handlers: [handler]) { rig in
            try await rig.script("create table deliveries (attempt integer)")
            try await rig.running { _ = try await rig.wait(rig.enqueue("test.leased"), for: .dead) }
            #expect(try await rig.value("select string_agg(attempt::text, ',' order by attempt) from deliveries", as: String.self) == "1,2")
        }
    }

    @Test func `a later attempt goes on from the checkpoint, and progress can be read`() async throws {
        let kind = TestKinds.kind("test.leased", style: "leased")
        let handler = JobHandler.leased(
            "test.leased",
            LeasedTestJob { _, context in
                guard let checkpoint = context.job.checkpoint else {
                    try await context.save(checkpoint: ["row": 7], progress: ["done": 7])
                    throw JobError(.transient, code: "nope", "half done")
                }
                return .done(checkpoint)
            })
        try await EngineRig.with(kinds: [kind], handlers: [handler]) { rig in
            try await rig.running {
                let job = try await rig.wait(rig.enqueue("test.leased"), for: .completed)
                #expect(job.result == ["row": 7])
                #expect(job.progress == ["done": 7])
            }
        }
    }
}
