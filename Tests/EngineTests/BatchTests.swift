import Bytes
import Engine
import JSON
import Postgres
import TestSupport
import Testing

/// Several atomic jobs share a transaction, and none of them notices.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct BatchTests {
    private let kind = TestKinds.kind("test.job", style: "atomic", attempts: 2, backoff: #"{ "delays": ["1ms"] }"#)

    private func withBatch(
        of keys: [String], tables: String = "", handler: @escaping @Sendable (String, AtomicContext) throws -> Outcome,
        _ body: (EngineRig, [String: Identifier]) async throws -> Void
    ) async throws {
        let handler = JobHandler.atomic(
            "test.job",
            AtomicTestJob { payload, context in
                let key = payload.key ?? ""
                try context.connection.run(.once("insert into effects values ($1, $2)"), key, context.job.attempt)
                return try handler(key, context)
            })
        try await EngineRig.with(kinds: [kind], queues: [TestKinds.queue("fast", concurrency: 1)], handlers: [handler]) { rig in
            try await rig.script("create table effects (key text, attempt integer); " + tables)
            let ids = try await rig.enqueue(keys.map { NewJob("test.job", ["key": .string($0)]) }).map(\.id)
            // All wake-ups are there before the worker comes, so they share a batch.
            try await rig.running([.relay(rig.relay())]) {
                try await eventually("all are sent") { try await rig.waiting() == keys.count }
                try await rig.running([.worker(rig.worker())]) { try await body(rig, Dictionary(uniqueKeysWithValues: zip(keys, ids))) }
            }
        }
    }

    private func effects(_ rig: EngineRig) async throws -> String {
        try await rig.value("select coalesce(string_agg(key, ' ' order by key, attempt), '') from effects", as: String.self)
    }

    @Test func `a failure undoes its own effects and nobody else's`() async throws {
        try await withBatch(of: ["a", "b", "c", "d"]) { key, context in
            if key == "b" { throw JobError(.permanent, code: "nope", "no") }
            if key == "c" { try context.connection.script("select 1/0") }
            return .done()
        } _: { rig, ids in
            for key in ["a", "d"] { try await rig.wait(#require(ids[key]), for: .completed) }
            #expect(try await rig.wait(#require(ids["b"]), for: .dead).errorCode == "nope")
            #expect(try await rig.wait(#require(ids["c"]), for: .dead).errorCode == "sql_22012")
            #expect(try await effects(rig) == "a d")
        }
    }

    @Test func `a commit that fails is found by running one by one, and recorded`() async throws {
        let tables = """
            create table promised (id integer primary key);
            create table promises (id integer references promised deferrable initially deferred)
            """
        try await withBatch(of: ["a", "b", "c"], tables: tables) { key, context in
            if key == "b" { try context.connection.script("insert into promises values (1)") }
            return .done()
        } _: { rig, ids in
            for key in ["a", "c"] { try await rig.wait(#require(ids[key]), for: .completed) }
            let job = try await rig.wait(#require(ids["b"]), for: .dead)
            #expect(job.errorCode == "sql_23503")
            #expect(job.attempts.count == 1)
            #expect(try await effects(rig) == "a c")
        }
    }

    @Test func `a handler that swallows the error of a statement fails alone`() async throws {
        try await withBatch(of: ["a", "b", "c"]) { key, context in
            if key == "b" { try? context.connection.script("select 1/0") }
            return .done()
        } _: { rig, ids in
            for key in ["a", "c"] { try await rig.wait(#require(ids[key]), for: .completed) }
            #expect(try await rig.wait(#require(ids["b"]), for: .dead).errorCode == "sql_25p02")
            #expect(try await effects(rig) == "a c")
        }
    }

    @Test func `a handler that breaks each of its connections is a failing handler, not an endless one`() async throws {
        let tally = Tally()
        try await withBatch(of: ["a", "b", "c"]) { key, context in
            if key == "b", tally.add() <= 4 { try context.connection.script("select pg_terminate_backend(pg_backend_pid())") }
            return .done()
        } _: { rig, ids in
            for key in ["a", "b", "c"] { try await rig.wait(#require(ids[key]), for: .completed) }
            let job = try await rig.job(#require(ids["b"]))
            #expect(job.attempt == 2)
            #expect(job.attempts.count == 1)
            #expect(try await effects(rig) == "a b c")
        }
    }

    @Test func `follow-up jobs exist if and only if their job's effects do`() async throws {
        try await withBatch(of: ["good", "bad"]) { key, context in
            if key == "good" || key == "bad" { try context.enqueue(NewJob("test.job", ["key": .string("after " + key)])) }
            if key == "bad" { throw JobError(.permanent, code: "nope", "no") }
            return .done()
        } _: { rig, ids in
            try await rig.wait(#require(ids["bad"]), for: .dead)
            try await eventually("the follow-up has run") { try await rig.value("select count(*) from finished_jobs where state = 'completed'") == 2 }
            #expect(try await rig.value("select count(*) from jobs") == 0)
            #expect(try await effects(rig) == "after good good")
        }
    }

    @Test func `two workers' batches over the same wallets do not deadlock`() async throws {
        let accounts = (0..<6).map { _ in Identifier.next() }
        let handler = JobHandler.atomic(
            "test.job",
            AtomicTestJob { _, context in
                try context.connection.run(.once("update wallets set balance = balance + 1 where account = $1"), context.job.accountID)
                return .done()
            })
        try await EngineRig.with(kinds: [kind], handlers: [handler]) { rig in
            try await rig.script("create table wallets (account uuid primary key, balance integer)")
            for account in accounts { try await rig.script("insert into wallets values ('\(account)', 0)") }
            _ = try await rig.enqueue((0..<600).map { NewJob("test.job", [:], account: accounts[$0 % 6]) })
            try await rig.running([.relay(rig.relay()), .worker(rig.worker()), .worker(rig.worker())]) {
                try await eventually("all have run") { try await rig.value("select count(*) from finished_jobs where state = 'completed'") == 600 }
            }
            #expect(try await rig.value("select count(*) from wallets where balance = 100") == 6)
            #expect(try await rig.value("select count(*) from finished_jobs where attempt > 1") == 0)
        }
    }
}
