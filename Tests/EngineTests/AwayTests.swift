import Bytes
import JSON
import Postgres
import RabbitMQ
import TestSupport
import Testing

@testable import Engine

/// The broker or the database is away, or comes and goes.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct AwayTests {
    private let kinds = [
        TestKinds.kind("test.atomic", style: "atomic", attempts: 10), TestKinds.kind("test.leased", style: "leased", attempts: 10),
    ]

    /// Handlers whose effect is a row, in the job's own transaction or with its end.
    private var effects: [JobHandler] {
        [
            .atomic(
                "test.atomic",
                AtomicTestJob { payload, context in
                    try context.connection.run(.once("insert into effects values ($1)"), payload.key)
                    return .done()
                }),
            .leased(
                "test.leased",
                LeasedTestJob { payload, _ in
                    let key = payload.key
                    return .done(committing: { try $0.run(.once("insert into effects values ($1)"), key) })
                }),
        ]
    }

    private func jobs(_ range: Range<Int>) -> [NewJob] {
        range.map { NewJob($0 % 2 == 0 ? "test.atomic" : "test.leased", ["key": .string("\($0)")]) }
    }

    /// A broker at a port where nobody listens.
    private func nobody(_ rig: EngineRig) -> BrokerSettings {
        var settings = rig.broker
        settings.port = 1
        return settings
    }

    @Test func `without a broker, workers find the jobs themselves: due ones, delayed ones, retried ones`() async throws {
        let tally = Tally()
        let failing = JobHandler.leased(
            "test.leased",
            LeasedTestJob { payload, _ in
                if tally.add(payload.key ?? "") == 1 { throw JobError(.transient, code: "once", "once more") }
                return .done()
            })
        try await EngineRig.with(kinds: kinds, handlers: [effects[0], failing]) { rig in
            try await rig.script("create table effects (key text)")
            let ids = try await rig.enqueue(jobs(0..<60)).map(\.id)
            let delayed = try await rig.enqueue("test.atomic", ["key": "delayed"], delay: .milliseconds(600))
            // A wake-up that the broker took with it.
            try await rig.script("update outbox set sent_at = now(), publish = 3 where job_id = '\(ids[4])'")
            try await rig.running([.worker(rig.worker(broker: .some(nobody(rig)))), .worker(rig.worker(broker: .some(nil)))]) {
                for id in ids + [delayed] { try await rig.wait(id, for: .completed) }
            }
            #expect(try await rig.value("select count(*) from effects") == 31)
            #expect(try await rig.value("select count(distinct key) from effects") == 31)
        }
    }

    @Test func `short jobs that are found by looking get the room that they could use`() async throws {
        let queue = TestKinds.queue("fast", concurrency: 100, least: 1)
        try await EngineRig.with(kinds: kinds, queues: [queue], handlers: [.leased("test.leased", LeasedTestJob { _, _ in .done() })]) { rig in
            _ = try await rig.enqueue((0..<2000).map { _ in NewJob("test.leased", [:]) })
            try await rig.running([.worker(rig.worker(broker: .some(nil)))]) {
                // With the room of the beginning, and a look each 50 ms, it would take a hundred seconds.
                try await eventually("all have run", within: .seconds(30)) { try await rig.value("select count(*) from outbox") == 0 }
            }
        }
    }

    @Test func `without a broker a pause holds, and suspects do not stand in the way and run alone`() async throws {
        let tally = Tally()
        let handler = JobHandler.atomic(
            "test.atomic",
            AtomicTestJob { _, context in
                tally.add(context.job.suspect ? "suspect" : "ordinary")
                return .done()
            })
        let queue = TestKinds.queue("fast", batch: 5, concurrency: 1)
        try await EngineRig.with(kinds: [kinds[0]], queues: [queue], handlers: [handler]) { rig in
            // More suspects than fit a look, and all of them first in line.
            _ = try await rig.enqueue((0..<12).map { _ in NewJob("test.atomic", [:], priority: 10) })
            try await rig.script("update outbox set suspect = true; update jobs set suspect = true")
            _ = try await rig.enqueue((0..<8).map { _ in NewJob("test.atomic", [:]) })
            try await rig.pause(true)
            try await rig.running([.worker(rig.worker(broker: .some(nil)))]) {
                try await eventually("the worker is there") { try await rig.value("select count(*) from workers") == 1 }
                #expect(tally.total == 0)
                try await rig.pause(false)
                try await eventually("all have run") { try await rig.value("select count(*) from finished_jobs where state = 'completed'") == 20 }
            }
            #expect(tally["suspect"] == 12)
            #expect(tally["ordinary"] == 8)
        }
    }

    @Test func `without a broker one tenant's thousands do not stand before another's one`() async throws {
        let handler = JobHandler.atomic(
            "test.atomic",
            AtomicTestJob { _, context in
                try context.connection.script("select pg_sleep(0.002)")
                return .done()
            })
        let queue = TestKinds.queue("fast", batch: 10, concurrency: 1)
        try await EngineRig.with(kinds: [kinds[0]], queues: [queue], handlers: [handler]) { rig in
            let (big, small) = (Identifier.next(), Identifier.next())
            _ = try await rig.enqueue((0..<1000).map { _ in NewJob("test.atomic", [:], account: big) })
            let one = try await rig.enqueue("test.atomic", account: small)
            try await rig.running([.worker(rig.worker(broker: .some(nil)))]) {
                try await rig.wait(one, for: .completed)
                #expect(try await rig.value("select count(*) from outbox") > 500)
            }
        }
    }

    @Test func `a broker that goes away and comes back loses and repeats nothing`() async throws {
        try await EngineRig.with(kinds: kinds, handlers: effects) { rig in
            try await rig.script("create table effects (key text)")
            try await rig.running([.relay(rig.relay()), .scheduler(rig.scheduler()), .worker(rig.worker())]) {
                let name = rig.prefix + "fast"
                for round in 0..<6 {
                    _ = try await rig.enqueue(jobs(round * 100..<(round + 1) * 100))
                    // The queue goes with all that is in it and in hand: the broker ends the consumer.
                    _ = try await rig.withBroker { try $0.deleteQueue(name) }
                    try await eventually("all have run", within: .seconds(30)) {
                        try await rig.value("select count(*) from effects") == (round + 1) * 100
                    }
                }
            }
            #expect(try await rig.value("select count(distinct key) from effects") == 600)
            #expect(try await rig.value("select count(*) from finished_jobs where state = 'completed' and attempt = 1") == 600)
        }
    }

    @Test func `connections that break again and again under load lose nothing and repeat nothing`() async throws {
        try await EngineRig.with(kinds: kinds, handlers: effects) { rig in
            try await rig.script("create table effects (key text)")
            var accepted = 0
            try await rig.running([.relay(rig.relay()), .scheduler(rig.scheduler()), .worker(rig.worker()), .worker(rig.worker())]) {
                for round in 0..<25 {
                    // A call whose connection breaks may have happened or not; the count tells.
                    _ = try? await rig.enqueue(jobs(round * 40..<(round + 1) * 40))
                    try await rig.breakConnections()
                }
                try await eventually("the database answers") { (try? await rig.value("select 1")) == 1 }
                try await eventually("nothing waits or runs", within: .seconds(60)) {
                    (try? await rig.value("select (select count(*) from jobs) + (select count(*) from outbox)")) == 0
                }
                accepted = try await rig.value("select count(*) from finished_jobs")
            }
            #expect(accepted >= 40)
            #expect(try await rig.value("select count(*) from finished_jobs where state = 'completed'") == accepted)
            #expect(try await rig.value("select count(*) from effects") == accepted)
            #expect(try await rig.value("select count(distinct key) from effects") == accepted)
        }
    }

    @Test func `a database that is away for seconds is waited for`() async throws {
        let barrier = Barrier()
        let handlers: [JobHandler] = [
            effects[0],
            .leased(
                "test.leased",
                LeasedTestJob { payload, _ in
                    try await barrier.wait()
                    let key = payload.key
                    return .done(committing: { try $0.run(.once("insert into effects values ($1)"), key) })
                }),
        ]
        try await EngineRig.with(kinds: kinds, queues: [TestKinds.queue("fast", concurrency: 8)], handlers: handlers) { rig in
            try await rig.script("create table effects (key text)")
            try await rig.running([.relay(rig.relay()), .scheduler(rig.scheduler(rescueAfter: .seconds(5))), .worker(rig.worker())]) {
                _ = try await rig.enqueue(jobs(0..<12))
                try await eventually("the leased ones run") { barrier.count == 6 }
                try await rig.setDatabaseAway(true)
                // They end while nobody can write it down.
                barrier.open()
                await #expect(throws: PostgresError.self) { try await rig.value("select 1") }
                try await rig.setDatabaseAway(false)
                try await eventually("all have run") { (try? await rig.value("select count(*) from finished_jobs where state = 'completed'")) == 12 }
            }
            #expect(try await rig.value("select count(distinct key) from effects") == 12)
            #expect(try await rig.value("select count(*) from effects") == 12)
        }
    }
}
