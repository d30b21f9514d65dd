import Bytes
import Engine
import JSON
import Postgres
import RabbitMQ
import TestSupport
import Testing

/// A stop takes nothing new, finishes what it can, gives the rest back, and costs no attempt.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct StopTests {
    private let leased = TestKinds.kind("test.leased", style: "leased", attempts: 1)
    private let atomic = TestKinds.kind("test.atomic", style: "atomic", attempts: 1)

    private func stop(_ worker: Worker) async -> (ended: Bool, took: Duration) {
        let began = ContinuousClock.now
        let ended = await offPool { worker.stop() }
        return (ended, ContinuousClock.now - began)
    }

    @Test func `an idle worker stops at once and leaves no row`() async throws {
        try await EngineRig.with(kinds: [leased]) { rig in
            try await rig.declareQueues()
            let worker = try rig.worker()
            worker.start()
            try await eventually("it is registered") { try await rig.value("select count(*) from workers") == 1 }
            let stop = await stop(worker)
            #expect(stop.ended)
            #expect(stop.took < .seconds(3))
            #expect(try await rig.value("select count(*) from workers") == 0)
        }
    }

    @Test func `what runs may finish within the grace period`() async throws {
        let barrier = Barrier()
        let handlers: [JobHandler] = [
            .leased(
                "test.leased",
                LeasedTestJob { _, _ in
                    try await barrier.wait()
                    return .done()
                }),
            .atomic(
                "test.atomic",
                AtomicTestJob { _, _ in
                    barrier.pass()
                    return .done()
                }),
        ]
        try await EngineRig.with(kinds: [leased, atomic], handlers: handlers) { rig in
            try await rig.declareQueues()
            try await rig.running([.relay(rig.relay())]) {
                let worker = try rig.worker()
                worker.start()
                let ids = [try await rig.enqueue("test.leased"), try await rig.enqueue("test.atomic")]
                try await eventually("both run") { barrier.count == 2 }
                let stopping = Task { await stop(worker) }
                try await eventually("it says that it stops") { try await rig.value("select count(*) from workers where stopping") == 1 }
                let late = try await rig.enqueue("test.atomic")
                try await eventually("the late one is sent") {
                    try await rig.value("select count(*) from outbox where job_id = $1 and sent_at is not null", late) == 1
                }
                barrier.open()
                #expect(await stopping.value.ended)
                for id in ids { #expect(try await rig.job(id).state == .completed) }
                #expect(try await rig.job(late).state == .queued)
            }
        }
    }

    @Test func `what is over the grace period is broken off, spends no attempt, and runs elsewhere`() async throws {
        let (tally, barrier) = (Tally(), Barrier())
        let handlers: [JobHandler] = [
            .leased(
                "test.leased",
                LeasedTestJob { _, _ in
                    if tally.add("leased") == 1 { try await Task.sleep(for: .seconds(60)) }
                    return .done()
                }),
            .atomic(
                "test.atomic",
                AtomicTestJob { _, context in
                    if tally.add("atomic") == 1 { try context.connection.script("select pg_sleep(20)") }
                    return .done()
                }),
        ]
        try await EngineRig.with(kinds: [leased, atomic], handlers: handlers) { rig in
            try await rig.running([.relay(rig.relay())]) {
                let worker = try rig.worker(grace: .milliseconds(50))
                worker.start()
                let ids = [try await rig.enqueue("test.leased"), try await rig.enqueue("test.atomic")]
                try await eventually("both run") { tally.total == 2 }
                let stop = await stop(worker)
                #expect(stop.ended)
                #expect(stop.took < .seconds(4))
                for id in ids {
                    let job = try await rig.job(id)
                    #expect(job.state == .queued)
                    #expect(job.attempt == 0)
                    #expect(job.attempts.map { $0["code"]?.string } == ["worker_stopping"])
                }
                try await rig.running([.worker(rig.worker())]) {
                    for id in ids {
                        let job = try await rig.wait(id, for: .completed)
                        #expect(job.attempt == 1)
                    }
                }
                #expect(try await rig.value("select count(*) from finished_jobs where state <> 'completed'") == 0)
            }
            barrier.open()
        }
    }

    @Test func `prefetched jobs go back fresh, not as redeliveries`() async throws {
        let barrier = Barrier()
        let handler = JobHandler.atomic(
            "test.atomic",
            AtomicTestJob { _, _ in
                barrier.pass()
                return .done()
            })
        let queue = TestKinds.queue("fast", batch: 1, concurrency: 1)
        try await EngineRig.with(kinds: [atomic], queues: [queue], handlers: [handler]) { rig in
            try await rig.running([.relay(rig.relay())]) {
                _ = try await rig.enqueue((0..<20).map { NewJob("test.atomic", ["key": .string("\($0)")]) })
                try await eventually("all are sent") { try await rig.waiting() == 20 }
                let last = try await rig.value("select max(publish) from outbox")
                let worker = try rig.worker()
                worker.start()
                try await eventually("one runs and the others are prefetched") { try await (barrier.count, rig.waiting()) == (1, 0) }
                let stopping = Task { await stop(worker) }
                // They go back while the one still runs.
                try await eventually("the others are sent anew") { try await rig.waiting() == 19 }
                barrier.open()
                #expect(await stopping.value.ended)
                #expect(try await rig.value("select count(*) from outbox where sent_at is not null and publish > $1", last) == 19)
                let (settings, name) = (rig.broker, rig.prefix + "fast")
                let deliveries = try await offPool { () -> Result<[Delivery], any Error> in
                    Result {
                        let consumer = try Consumer(settings)
                        defer { consumer.close() }
                        _ = try consumer.consume(name, prefetch: 100, consumerTag: "look")
                        var deliveries: [Delivery] = []
                        let deadline = ContinuousClock.now + .seconds(5)
                        while deliveries.count < 19, ContinuousClock.now < deadline {
                            deliveries += try consumer.waitForDeliveries(timeout: .milliseconds(100))
                        }
                        return deliveries
                    }
                }.get()
                #expect(deliveries.count == 19)
                #expect(deliveries.allSatisfy { !$0.redelivered && $0.headers["x-delivery-count"] == nil })
            }
        }
    }

    @Test func `stops in the middle of a load cost no attempt and repeat no atomic effect`() async throws {
        let handlers: [JobHandler] = [
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
                    try await Task.sleep(for: .milliseconds(5))
                    return .done(committing: { try $0.run(.once("insert into effects values ($1)"), key) })
                }),
        ]
        try await EngineRig.with(kinds: [leased, atomic], handlers: handlers) { rig in
            try await rig.declareQueues()
            try await rig.script("create table effects (key text)")
            try await rig.running([.relay(rig.relay())]) {
                _ = try await rig.enqueue((0..<1000).map { NewJob($0 % 2 == 0 ? "test.atomic" : "test.leased", ["key": .string("\($0)")]) })
                for _ in 0..<12 {
                    let worker = try rig.worker(grace: .milliseconds(20))
                    worker.start()
                    let before = try await rig.value("select count(*) from effects")
                    try await eventually("it works") { try await rig.value("select count(*) from effects") > min(before + 10, 999) }
                    #expect(await stop(worker).ended)
                }
                try await rig.running([.worker(rig.worker())]) {
                    try await eventually("all have run") {
                        try await rig.value("select count(*) from finished_jobs where state = 'completed'") == 1000
                    }
                }
            }
            #expect(try await rig.value("select count(*) from effects") == 1000)
            #expect(try await rig.value("select count(distinct key) from effects") == 1000)
            // With one attempt each, any that was spent by a stop would have killed its job.
            #expect(try await rig.value("select count(*) from finished_jobs where attempt <> 1") == 0)
        }
    }

    @Test func `a worker whose database is away stops all the same`() async throws {
        let barrier = Barrier()
        let handler = JobHandler.leased(
            "test.leased",
            LeasedTestJob { _, _ in
                try await barrier.wait()
                return .done()
            })
        try await EngineRig.with(kinds: [leased], handlers: [handler]) { rig in
            try await rig.running([.relay(rig.relay())]) {
                let worker = try rig.worker(grace: .milliseconds(200))
                worker.start()
                _ = try await rig.enqueue("test.leased")
                try await eventually("it runs") { barrier.count == 1 }
                try await rig.setDatabaseAway(true)
                barrier.open()
                let stop = await stop(worker)
                #expect(!stop.ended)
                #expect(stop.took < .seconds(20))
                try await rig.setDatabaseAway(false)
            }
        }
    }
}
