import Bytes
import Engine
import JSON
import Postgres
import TestSupport
import Testing

/// Completion beats cancel; cancel beats retry, snooze, interruption and rescue.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct CancelTests {
    private func atomic(extra: String = "", _ run: @escaping @Sendable (AnyPayload, AtomicContext) throws -> Outcome) -> Setting {
        Setting(kind: TestKinds.kind("test.job", style: "atomic", extra: extra), handler: .atomic("test.job", AtomicTestJob(run)))
    }

    private func leased(
        backoff: String = #"{ "delays": ["1h"] }"#, _ run: @escaping @Sendable (AnyPayload, LeasedContext) async throws -> Outcome
    ) -> Setting {
        Setting(kind: TestKinds.kind("test.job", style: "leased", backoff: backoff), handler: .leased("test.job", LeasedTestJob(run)))
    }

    private struct Setting {
        var kind: (file: String, text: String)
        var handler: JobHandler

        func with(_ body: (EngineRig) async throws -> Void) async throws {
            try await EngineRig.with(kinds: [kind], handlers: [handler], body)
        }
    }

    @Test func `a job that waits is cancelled at once and never runs`() async throws {
        let tally = Tally()
        try await atomic { _, _ in
            tally.add()
            return .done()
        }.with { rig in
            let waiting = try await rig.enqueue("test.job")
            let delayed = try await rig.enqueue("test.job", delay: .seconds(3600))
            for id in [waiting, delayed] {
                #expect(try await rig.cancel(id) == .cancelled)
                let job = try await rig.job(id)
                #expect(job.state == .cancelled)
                #expect(job.error == "cancelled before it started")
                #expect(job.attempt == 0)
                await #expect(throws: LedgerError.self) { try await rig.cancel(id) }
            }
            #expect(try await rig.value("select count(*) from outbox") == 0)
            try await rig.running { _ = try await rig.wait(rig.enqueue("test.job"), for: .completed) }
            #expect(tally.total == 1)
        }
    }

    @Test func `an unknown job cannot be cancelled`() async throws {
        try await atomic { _, _ in .done() }.with { rig in
            let error = await #expect(throws: LedgerError.self) { try await rig.cancel(.next()) }
            #expect(error?.kind == .notFound)
        }
    }

    @Test func `a cancel of a row that somebody holds never waits, and is carried out when the row is free`() async throws {
        try await atomic { _, _ in .done() }.with { rig in
            let id = try await rig.enqueue("test.job", delay: .seconds(3600))
            let barrier = Barrier()
            let holder = try await rig.hold(id, barrier)
            #expect(try await rig.cancel(id) == .requested)
            #expect(try await rig.job(id).state == .queued)
            try await rig.running([.scheduler(rig.scheduler())]) {
                barrier.open()
                try await holder.value
                try await rig.wait(id, for: .cancelled)
            }
            #expect(try await rig.value("select count(*) from outbox") == 0)
            #expect(try await rig.value("select count(*) from job_signals") == 0)
        }
    }

    @Test func `a leased job that runs is broken off within a second`() async throws {
        let barrier = Barrier()
        try await leased { _, _ in
            try await barrier.wait()
            return .done()
        }.with { rig in
            try await rig.running {
                let id = try await rig.enqueue("test.job")
                try await eventually("it runs") { barrier.count == 1 }
                let asked = ContinuousClock.now
                #expect(try await rig.cancel(id) == .requested)
                let job = try await rig.wait(id, for: .cancelled)
                // A second is the promise; a machine that is busy with tests gets another one.
                #expect(ContinuousClock.now - asked < .seconds(2))
                #expect(job.errorCode == "cancelled")
                #expect(job.error == "cancelled while it ran")
                #expect(job.attempts.count == 1)
                #expect(try await rig.value("select count(*) from job_signals") == 0)
            }
        }
    }

    @Test func `the completion of an atomic job beats a cancel`() async throws {
        let barrier = Barrier()
        try await atomic { _, _ in
            barrier.pass()
            return .done(["effect": "there"])
        }.with { rig in
            try await rig.running {
                let id = try await rig.enqueue("test.job")
                try await eventually("it runs") { barrier.count == 1 }
                #expect(try await rig.cancel(id) == .requested)
                barrier.open()
                let job = try await rig.wait(id, for: .completed)
                #expect(job.result == ["effect": "there"])
                try await eventually("the signal is gone with it") { try await rig.value("select count(*) from job_signals") == 0 }
            }
        }
    }

    @Test func `the completion of a leased job that does not heed the cancel beats it`() async throws {
        let barrier = Barrier()
        try await leased { _, _ in
            try? await barrier.wait()
            return .done("sent")
        }.with { rig in
            try await rig.running {
                let id = try await rig.enqueue("test.job")
                try await eventually("it runs") { barrier.count == 1 }
                _ = try await rig.cancel(id)
                #expect(try await rig.wait(id, for: .completed).result == "sent")
            }
        }
    }

    @Test(arguments: ["retry", "snooze", "interruption"]) func `a cancel beats the other ends of an atomic run`(end: String) async throws {
        let barrier = Barrier()
        let setting = Setting(
            kind: TestKinds.kind("test.job", style: "atomic", backoff: #"{ "delays": ["1h"] }"#),
            handler: .atomic(
                "test.job",
                AtomicTestJob { _, _ in
                    barrier.pass()
                    switch end {
                    case "retry": throw JobError(.transient, code: "nope", "once more")
                    case "snooze": return .snooze(.seconds(3600))
                    default: throw JobError(.interrupted, code: "off", "broken off")
                    }
                }))
        try await setting.with { rig in
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                let id = try await rig.enqueue("test.job")
                try await eventually("it runs") { barrier.count == 1 }
                _ = try await rig.cancel(id)
                barrier.open()
                try await rig.wait(id, for: .cancelled)
            }
        }
    }

    @Test(arguments: ["retry", "snooze"]) func `a cancel beats the other ends of a leased run`(end: String) async throws {
        let barrier = Barrier()
        try await leased { _, _ in
            try? await barrier.wait()
            if end == "retry" { throw JobError(.transient, code: "nope", "once more") }
            return .snooze(.seconds(3600))
        }.with { rig in
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                let id = try await rig.enqueue("test.job")
                try await eventually("it runs") { barrier.count == 1 }
                _ = try await rig.cancel(id)
                try await rig.wait(id, for: .cancelled)
            }
        }
    }

    @Test func `a death is no retry: it beats a cancel`() async throws {
        let barrier = Barrier()
        try await atomic { _, _ in
            barrier.pass()
            throw JobError(.permanent, code: "refused", "never")
        }.with { rig in
            try await rig.running {
                let id = try await rig.enqueue("test.job")
                try await eventually("it runs") { barrier.count == 1 }
                _ = try await rig.cancel(id)
                barrier.open()
                try await rig.wait(id, for: .dead)
            }
        }
    }

    @Test func `a cancel that came too late does not cancel a later retry of the dead job`() async throws {
        let tally = Tally()
        try await atomic { _, _ in
            if tally.add() == 1 { throw JobError(.permanent, code: "refused", "not this time") }
            return .done()
        }.with { rig in
            try await rig.running {
                let id = try await rig.enqueue("test.job")
                try await rig.wait(id, for: .dead)
                // As a cancel does that looked before the death and wrote after it.
                try await rig.script("insert into job_signals (job_id, signal) values ('\(id)', 'cancel')")
                let ledger = rig.ledger
                try await rig.database.transaction { try ledger.retry(id, on: $0) }
                try await rig.wait(id, for: .completed)
            }
        }
    }

    @Test func `a cancel between the wake-up and the claim ends the job in the claim`() async throws {
        let tally = Tally()
        try await leased { _, _ in
            tally.add()
            return .done()
        }.with { rig in
            try await rig.declareQueues()
            let id = try await rig.enqueue("test.job")
            try await rig.script("insert into job_signals (job_id, signal) values ('\(id)', 'cancel')")
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                let job = try await rig.wait(id, for: .cancelled)
                #expect(job.error == "cancelled before it started")
                #expect(job.attempt == 0)
            }
            #expect(tally.total == 0)
        }
    }
}
