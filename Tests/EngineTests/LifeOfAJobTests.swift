import Bytes
import Engine
import JSON
import Postgres
import TestSupport
import Testing

@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct LifeOfAJobTests {
    private func rig(_ kinds: [(file: String, text: String)], _ handlers: [JobHandler]) throws -> EngineRig {
        try EngineRig(catalog: Catalog(jobs: kinds, queues: [TestKinds.queue("fast")]), handlers: handlers)
    }

    @Test func `an atomic job runs once and leaves its result in the ledger`() async throws {
        let tally = Tally()
        let rig = try rig(
            [TestKinds.kind("test.atomic", style: "atomic")],
            [
                .atomic(
                    "test.atomic",
                    AtomicTestJob { payload, _ in
                        tally.add(payload.key ?? "")
                        return .done(["echo": .string(payload.key ?? "")])
                    })
            ])
        try await rig.running {
            let id = try await rig.enqueue("test.atomic", ["key": "hello"])
            let job = try await rig.wait(id, for: .completed)
            #expect(job.result == ["echo": "hello"])
            #expect(job.attempt == 1)
            #expect(tally["hello"] == 1)
        }
        await rig.close()
    }

    @Test func `a leased job runs under a lease and completes`() async throws {
        let rig = try rig(
            [TestKinds.kind("test.leased", style: "leased")],
            [
                .leased("test.leased", LeasedTestJob { payload, context in .done(["key": .string(context.job.idempotencyKey)]) })
            ])
        try await rig.running {
            let id = try await rig.enqueue("test.leased", ["key": "x"])
            let job = try await rig.wait(id, for: .completed)
            #expect(job.result == ["key": .string(id.text("job"))])
        }
        await rig.close()
    }

    @Test func `a failing job is tried again and then dead with its whole history`() async throws {
        let tally = Tally()
        let rig = try rig(
            [TestKinds.kind("test.fails", style: "atomic"), TestKinds.kind("test.fails_leased", style: "leased")],
            [
                .atomic(
                    "test.fails",
                    AtomicTestJob { _, _ in
                        tally.add("atomic")
                        throw JobError(.transient, code: "nope", "it never works")
                    }),
                .leased(
                    "test.fails_leased",
                    LeasedTestJob { _, _ in
                        tally.add("leased")
                        throw JobError(.transient, code: "nope", "it never works")
                    }),
            ])
        try await rig.running {
            for kind in ["test.fails", "test.fails_leased"] {
                let job = try await rig.wait(rig.enqueue(kind), for: .dead)
                #expect(job.attempt == 3)
                #expect(job.errorCode == "nope")
                #expect(job.attempts.count == 3)
                #expect(job.attempts.compactMap { $0["attempt"]?.int } == [1, 2, 3])
                #expect(job.attempts.allSatisfy { $0["worker"]?.string != nil && $0["startedAt"]?.string != nil && $0["endedAt"]?.string != nil })
            }
            #expect(tally["atomic"] == 3)
            #expect(tally["leased"] == 3)
        }
        await rig.close()
    }

    @Test func `a hundred jobs of both styles all complete exactly once`() async throws {
        let tally = Tally()
        let rig = try rig(TestKinds.bothStyles, [tally.atomic, tally.leased])
        try await rig.running {
            var ids: [Identifier] = []
            for number in 0..<100 {
                ids.append(try await rig.enqueue(number % 2 == 0 ? "test.atomic" : "test.leased", ["key": .string("\(number)")]))
            }
            for id in ids { try await rig.wait(id, for: .completed) }
            #expect(tally.total == 100)
            #expect((0..<100).allSatisfy { tally["\($0)"] == 1 })
        }
        await rig.close()
    }
}
