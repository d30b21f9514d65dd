import Bytes
import JSON
import Postgres
import RabbitMQ
import Synchronization
import TestSupport
import Testing

@testable import Engine

/// Processes are killed, frozen and poisoned.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct DeathTests {
    private func withMortals(_ body: (EngineRig) async throws -> Void) async throws {
        try await EngineRig.with(kinds: Mortal.kinds, queues: Mortal.queues, handlers: Mortal.handlers) { rig in
            try await rig.script(Mortal.tables)
            try await rig.declareQueues()
            try await body(rig)
        }
    }

    private func job(_ style: String, _ key: String) -> NewJob { NewJob("test.\(style)", ["key": .string(key)]) }

    private func arrivals(_ rig: EngineRig) async throws -> Int {
        try await rig.value("select case when is_called then last_value + 1 else 0 end from arrivals")
    }

    @Test func `kill -9 of a worker costs no attempt, loses nothing and repeats no effect`() async throws {
        try await withMortals { rig in
            try await rig.running([.relay(rig.relay()), .scheduler(rig.scheduler())]) {
                let child = try ChildWorker(rig)
                let hanging = try await rig.enqueue([job("atomic", "hang a"), job("leased", "hang b"), job("leased", "hang c")]).map(\.id)
                try await eventually("all three run") { try await arrivals(rig) == 3 }
                let others = try await rig.enqueue((0..<100).map { job($0 % 2 == 0 ? "atomic" : "leased", "\($0)") }).map(\.id)
                try await eventually("the worker has worked and prefetched") { try await rig.value("select count(*) from effects") >= 10 }
                child.kill()
                let died = ContinuousClock.now
                try await rig.running([.worker(rig.worker())]) {
                    for id in hanging + others { try await rig.wait(id, for: .completed, within: .seconds(40)) }
                }
                #expect(ContinuousClock.now - died < .seconds(30))
            }
            #expect(try await rig.value("select count(*) from effects") == 103)
            #expect(try await rig.value("select count(distinct key) from effects") == 103)
            #expect(try await rig.value("select count(*) from finished_jobs where attempt <> 1") == 0)
            #expect(try await rig.value("select count(*) from job_signals") == 0)
        }
    }

    @Test func `the lease of a killed worker is taken within the bound, and suspects run alone`() async throws {
        try await withMortals { rig in
            try await rig.running([.relay(rig.relay()), .scheduler(rig.scheduler(rescueAfter: .milliseconds(500)))]) {
                let child = try ChildWorker(rig)
                let id = try await rig.enqueue([job("leased", "hang")])[0].id
                try await eventually("it runs") { try await arrivals(rig) == 1 }
                child.kill()
                let died = ContinuousClock.now
                try await rig.wait(id, for: .queued)
                #expect(ContinuousClock.now - died < .seconds(3))
                #expect(try await rig.value("select count(*) from outbox where suspect") == 1)
                let rescued = try await rig.job(id)
                #expect(rescued.attempt == 0)
                #expect(rescued.attempts.map { $0["code"]?.string } == ["worker_died"])
            }
        }
    }

    @Test func `a frozen worker that wakes up finds its leases taken, and its ends are fenced`() async throws {
        try await withMortals { rig in
            // A frozen consumer is handed wake-ups as well, until the broker misses its heartbeat; the re-sender gets round it.
            let scheduler = rig.scheduler(frozenAfter: .seconds(1), resendAfter: .milliseconds(300))
            try await rig.running([.relay(rig.relay()), .scheduler(scheduler)]) {
                let child = try ChildWorker(rig)
                defer { child.kill() }
                let id = try await rig.enqueue([job("leased", "hang")])[0].id
                try await eventually("it runs") { try await arrivals(rig) == 1 }
                child.freeze(true)
                try await rig.wait(id, for: .queued)
                try await rig.running([.worker(rig.worker())]) {
                    try await rig.wait(id, for: .completed)
                    child.freeze(false)
                    // It comes back under another name and works on.
                    try await eventually("two workers live") { try await rig.value("select count(*) from workers") == 2 }
                    let next = try await rig.enqueue((0..<50).map { job("leased", "\($0)") }).map(\.id)
                    for id in next { try await rig.wait(id, for: .completed) }
                }
            }
            #expect(try await rig.value("select count(*) from effects where key = 'hang'") == 1)
            #expect(try await rig.value("select count(*) from effects") == 51)
        }
    }

    @Test(arguments: ["atomic", "leased"]) func `a job that kills its worker is dead after three deaths alone, and takes no other with it`(
        style: String
    ) async throws {
        try await withMortals { rig in
            try await rig.running([.relay(rig.relay()), .scheduler(rig.scheduler(rescueAfter: .milliseconds(200)))]) {
                let others = try await rig.enqueue((0..<10).map { job($0 % 2 == 0 ? "atomic" : "leased", "\($0)") }).map(\.id)
                let poison = try await rig.enqueue([job(style, "poison")])[0].id
                var deaths = 0
                var child = try ChildWorker(rig)
                try await eventually("the poison is dead", within: .seconds(60)) {
                    if child.isDead {
                        deaths += 1
                        child = try ChildWorker(rig)
                    }
                    return try await rig.job(poison).state == .dead
                }
                for id in others { try await rig.wait(id, for: .completed) }
                child.kill()
                let ended = try await rig.job(poison)
                #expect(ended.errorCode == "poison")
                // Once in company, three times alone.
                #expect(deaths == 4)
            }
            #expect(try await rig.value("select count(*) from effects") == 10)
            #expect(try await rig.value("select count(distinct key) from effects") == 10)
        }
    }
}

/// Who becomes a suspect, and what that means.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct SuspectTests {
    private let kinds = TestKinds.bothStyles

    /// Who ran beside whom.
    private final class Company: Sendable {
        private let state = Mutex((running: 0, most: [true: 0], suspects: 0))

        func enter(suspect: Bool) {
            state.withLock { state in
                state.running += 1
                state.suspects += suspect ? 1 : 0
                state.most[suspect] = max(state.most[suspect] ?? 0, state.running)
            }
        }

        func leave() { state.withLock { $0.running -= 1 } }

        /// The largest company that a suspect was in, itself included.
        var ofSuspects: Int { state.withLock { $0.most[true] ?? 0 } }
        var suspects: Int { state.withLock { $0.suspects } }
    }

    private func handlers(_ company: Company) -> [JobHandler] {
        [
            .atomic(
                "test.atomic",
                AtomicTestJob { _, context in
                    company.enter(suspect: context.job.suspect)
                    defer { company.leave() }
                    try context.connection.script("select pg_sleep(0.005)")
                    return .done()
                }),
            .leased(
                "test.leased",
                LeasedTestJob { _, context in
                    company.enter(suspect: context.job.suspect)
                    defer { company.leave() }
                    try await Task.sleep(for: .milliseconds(5))
                    return .done()
                }),
        ]
    }

    private func takeAndDrop(_ rig: EngineRig, _ count: Int) async throws {
        let (settings, name) = (rig.broker, rig.prefix + "fast")
        try await offPool { () -> Result<Void, any Error> in
            Result {
                let consumer = try Consumer(settings)
                _ = try consumer.consume(name, prefetch: 500, consumerTag: "drop")
                var taken = 0
                while taken < count { taken += try consumer.waitForDeliveries(timeout: .seconds(1)).count }
                consumer.close()
            }
        }.get()
    }

    private func enqueued(_ rig: EngineRig) async throws {
        _ = try await rig.enqueue((0..<40).map { NewJob($0 % 2 == 0 ? "test.atomic" : "test.leased", [:]) })
        try await eventually("all are sent") { try await rig.waiting() == 40 }
    }

    private func allRun(_ rig: EngineRig) async throws {
        try await eventually("all have run") { try await rig.value("select count(*) from finished_jobs where state = 'completed'") == 40 }
    }

    @Test func `a redelivery without a death makes no suspects`() async throws {
        let company = Company()
        try await EngineRig.with(kinds: kinds, queues: [TestKinds.queue("fast", concurrency: 4)], handlers: handlers(company)) { rig in
            try await rig.running([.relay(rig.relay())]) {
                try await enqueued(rig)
                try await takeAndDrop(rig, 40)
                try await rig.running([.worker(rig.worker())]) { try await allRun(rig) }
            }
            #expect(company.suspects == 0)
        }
    }

    @Test func `after a death redelivered jobs are suspects, each runs alone, and then the suspicion is over`() async throws {
        let company = Company()
        try await EngineRig.with(kinds: kinds, queues: [TestKinds.queue("fast", concurrency: 4)], handlers: handlers(company)) { rig in
            try await rig.running([.relay(rig.relay())]) {
                try await enqueued(rig)
                try await takeAndDrop(rig, 40)
                try await rig.script("insert into worker_deaths (worker_id, queues) values (gen_random_uuid(), '{fast}')")
                // Fresh ones among them run in company with each other.
                _ = try await rig.enqueue((0..<20).map { NewJob($0 % 2 == 0 ? "test.atomic" : "test.leased", [:]) })
                try await rig.running([.worker(rig.worker())]) {
                    try await eventually("all have run") { try await rig.value("select count(*) from finished_jobs where state = 'completed'") == 60 }
                }
            }
            #expect(company.suspects == 40)
            #expect(company.ofSuspects == 1)
        }
    }

    @Test func `a duplicate or a stale wake-up of a suspect counts no death`() async throws {
        let company = Company()
        try await EngineRig.with(kinds: kinds, handlers: handlers(company)) { rig in
            try await rig.declareQueues()
            let id = try await rig.enqueue("test.leased", delay: .seconds(3600))
            try await rig.script("update outbox set suspect = true")
            let number = try await rig.number(of: id)
            try await rig.publish((number - 4..<number + 4).map { rig.wakeUp(id, publish: $0, kind: "test.leased") })
            try await rig.running([.worker(rig.worker())]) { try await eventually("all are acked") { try await rig.waiting() == 0 } }
            #expect(try await rig.waiting() == 0)
            #expect(try await rig.value("select deaths::int8 from jobs where id = $1", id) == 0)
        }
    }

    @Test(arguments: ["atomic", "leased"]) func `a database that goes away during a run alone counts no further deaths`(style: String) async throws {
        let tally = Tally()
        let handlers: [JobHandler] = [
            .atomic(
                "test.atomic",
                AtomicTestJob { _, context in
                    if tally.add() <= 2 { try context.connection.script("select pg_terminate_backend(pg_backend_pid())") }
                    return .done(.int(Int64(context.job.deaths)))
                }),
            .leased(
                "test.leased",
                LeasedTestJob { _, context in
                    if tally.add() <= 2 { throw CancellationError() }
                    return .done(.int(Int64(context.job.deaths)))
                }),
        ]
        try await EngineRig.with(kinds: kinds, handlers: handlers) { rig in
            let id = try await rig.enqueue("test.\(style)")
            try await rig.script("update outbox set suspect = true; update jobs set suspect = true, deaths = 2")
            let job = try await rig.running { try await rig.wait(id, for: .completed) }
            #expect(job.result == 3)
        }
    }

    @Test func `a run that is counted is claimed whatever number its row has by now, and one that finds nothing takes the count back`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            let id = try await rig.enqueue("test.leased")
            try await rig.script("update outbox set suspect = true; update jobs set suspect = true, deaths = 1")
            let request = ClaimRequest(id: id, publish: try await rig.number(of: id), kind: "test.leased")
            #expect(try await rig.database.run { try Claim.countDeath(request, on: $0) } == 2)
            // It was sent again in between.
            try await rig.script("update outbox set sent_at = now(), publish = default")
            #expect(try await rig.database.transaction { try Claim.select([request], allowingSuspects: true, on: $0).claimable } == [])
            #expect(try await rig.database.transaction { try Claim.selectCounted([request], on: $0).claimable } == [id])
            #expect(try await rig.value("select deaths::int8 from jobs") == 2)
            // Another one has it.
            try await rig.lease([id], by: .next())
            #expect(try await rig.database.transaction { try Claim.selectCounted([request], on: $0).claimable } == [])
            #expect(try await rig.value("select deaths::int8 from jobs") == 1)
        }
    }

    @Test func `a dead letter makes its job a suspect and nothing more`() async throws {
        let company = Company()
        try await EngineRig.with(kinds: kinds, handlers: handlers(company)) { rig in
            try await rig.declareQueues()
            let sent = try await rig.enqueue("test.atomic")
            try await rig.script("update outbox set sent_at = now(), publish = 1")
            let later = try await rig.enqueue("test.leased", delay: .seconds(3600))
            let letters = [sent, later, .next()].map { id in
                OutgoingMessage(routingKey: rig.prefix + Topology.deadLetters, messageID: id.description, headers: ["publish": .int(1)])
            }
            try await rig.publish(letters + [OutgoingMessage(routingKey: rig.prefix + Topology.deadLetters, messageID: "nonsense")])
            try await rig.running([.scheduler(rig.scheduler())]) {
                try await eventually("the letters are read") { try await rig.value("select count(*) from outbox where suspect") == 2 }
                try await eventually("and acked") { try await rig.waiting(in: Topology.deadLetters) == 0 }
                #expect(try await rig.value("select count(*) from outbox where job_id = $1 and state = 'ready' and sent_at is null", sent) == 1)
                #expect(try await rig.value("select state from outbox where job_id = $1", later, as: String.self) == "scheduled")
                try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) { _ = try await rig.wait(sent, for: .completed) }
            }
            #expect(try await rig.waiting(in: Topology.deadLetters) == 0)
            #expect(company.suspects == 1)
            #expect(try await rig.job(later).state == .queued)
        }
    }

    @Test func `a wake-up that comes back too often ends as a dead letter, and its job runs alone`() async throws {
        let company = Company()
        let queue = (file: "fast.json", text: TestKinds.queue("fast").text.replacing("\"batch\"", with: "\"deliveryLimit\": 2, \"batch\""))
        try await EngineRig.with(kinds: kinds, queues: [queue], handlers: handlers(company)) { rig in
            try await rig.running([.relay(rig.relay())]) {
                let id = try await rig.enqueue("test.atomic")
                try await eventually("it is sent") { try await rig.waiting() == 1 }
                for _ in 0..<3 { try await takeAndDrop(rig, 1) }
                try await rig.running([.scheduler(rig.scheduler()), .worker(rig.worker())]) { _ = try await rig.wait(id, for: .completed) }
            }
            #expect(company.suspects == 1)
        }
    }
}
