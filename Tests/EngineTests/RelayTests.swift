import Bytes
import Clocks
import Engine
import JSON
import Postgres
import RabbitMQ
import TestSupport
import Testing

/// What the relay promises: every due row's wake-up goes out, again when it may have been lost, and never more than fits.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct RelayTests {
    private let kinds = [TestKinds.kind("test.atomic", style: "atomic")]

    private func jobs(_ count: Int, account: Identifier? = nil, priority: Int? = nil) -> [NewJob] {
        (0..<count).map { NewJob("test.atomic", ["key": .string("\($0)")], account: account, priority: priority) }
    }

    @Test func `two relays at once send everything, and every job runs once`() async throws {
        let tally = Tally()
        try await EngineRig.with(kinds: kinds, handlers: [tally.atomic]) { rig in
            _ = try await rig.enqueue(jobs(600))
            try await rig.running([.relay(rig.relay(batch: 40)), .relay(rig.relay(batch: 40)), .worker(rig.worker())]) {
                try await eventually("all have run") { try await rig.value("select count(*) from finished_jobs where state = 'completed'") == 600 }
                try await eventually("the queue is empty") { try await rig.waiting() == 0 }
            }
            #expect(tally.total == 600)
        }
    }

    @Test func `a relay that dies between publishing and its commit publishes again, and the job runs once`() async throws {
        let tally = Tally()
        try await EngineRig.with(kinds: kinds, handlers: [tally.atomic]) { rig in
            // A worker without a queue would find the row by itself.
            try await rig.declareQueues()
            // The commit of a row's mark kills its session, the first time. A sequence does not roll back.
            try await rig.script(
                """
                create sequence marks;
                create function die() returns trigger language plpgsql as $$
                begin
                    if new.sent_at is not null and nextval('marks') = 1 then perform pg_terminate_backend(pg_backend_pid()); end if;
                    return null;
                end $$;
                create constraint trigger die after update on outbox deferrable initially deferred for each row execute function die();
                """)
            try await rig.running([.relay(rig.relay())]) {
                let id = try await rig.enqueue("test.atomic", ["key": "once"])
                // Both messages carry the row's number: a worker could claim by the first one.
                try await eventually("it is published again") { try await rig.waiting() == 2 }
                #expect(try await rig.value("select last_value::int8 from marks") == 2)
                try await rig.running([.worker(rig.worker())]) {
                    try await rig.wait(id, for: .completed)
                    try await eventually("the queue is empty") { try await rig.waiting() == 0 }
                }
            }
            #expect(tally["once"] == 1)
            #expect(try await rig.waiting() == 0)
        }
    }

    @Test func `wake-ups of a purged queue are sent again by the re-sender`() async throws {
        let tally = Tally()
        try await EngineRig.with(kinds: kinds, handlers: [tally.atomic]) { rig in
            _ = try await rig.enqueue(jobs(20))
            try await rig.running([.relay(rig.relay())]) {
                try await eventually("all are sent") { try await rig.outbox("sent") == 20 }
                let name = rig.prefix + "fast"
                // Twenty wake-ups, in messages of two.
                #expect(try await rig.withBroker { try $0.purgeQueue(name) } == 10)
                try await rig.running([.scheduler(rig.scheduler(resendAfter: .milliseconds(100))), .worker(rig.worker())]) {
                    try await eventually("all have run") { try await rig.value("select count(*) from finished_jobs where state = 'completed'") == 20 }
                }
            }
            #expect(tally.total == 20)
            #expect(rig.metric("millrace_scheduler_resent_total") >= 20)
        }
    }

    @Test func `each row is sent again after twice the time of the time before, and not while its queue is paused`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            let id = try await rig.enqueue("test.atomic")
            let resend = Statement.once(
                "update outbox set resends = $1, sent_at = now() - make_interval(secs => $2) where job_id = $3")
            let scheduler = rig.scheduler(resendAfter: .seconds(30))
            func settles(resends: Int, age: Double) async throws {
                try await rig.database.run { _ = try $0.run(resend, Int16(resends), age, id) }
            }
            try await settles(resends: 0, age: 31)
            try await rig.running([.scheduler(scheduler)]) {
                try await eventually("it is sent again after 30 s") { try await rig.outbox("ready") == 1 }
                // 4 times 30 s are not over, 2 times are: it is left until the next test value.
                try await settles(resends: 2, age: 61)
                try await rig.pause(true)
                try await settles(resends: 1, age: 3600)
                try await eventually("the scheduler has made a round") { try await ranARound(rig) }
                #expect(try await rig.outbox("sent") == 1)
                try await rig.script("delete from queue_controls")
                try await eventually("it is sent again when the queue is open") { try await rig.outbox("ready") == 1 }
                try await settles(resends: 2, age: 61)
                try await eventually("the scheduler has made a round") { try await ranARound(rig) }
                #expect(try await rig.outbox("sent") == 1)
            }
        }
    }

    /// A worker that is dead for sure has been buried by a round that began after this call.
    private func ranARound(_ rig: EngineRig) async throws -> Bool {
        let id = Identifier.next()
        try await rig.script("insert into workers (id, lock, host, process, role, queues) values ('\(id)', 99999, 'h', 1, 'w', '{}')")
        try await eventually("a round") { try await rig.value("select count(*) from workers where id = $1", id) == 0 }
        return true
    }

    @Test func `a deleted queue is made again and its wake-ups are sent again at once`() async throws {
        let tally = Tally()
        try await EngineRig.with(kinds: kinds, handlers: [tally.atomic]) { rig in
            try await rig.running([.relay(rig.relay())]) {
                let lost = try await rig.enqueue("test.atomic", ["key": "lost"])
                try await eventually("it is sent") { try await rig.outbox("sent") == 1 }
                let name = rig.prefix + "fast"
                #expect(try await rig.withBroker { try $0.deleteQueue(name) } == 1)
                // The broker cannot route this one: the relay finds out, and makes good for both. The re-sender does not run.
                let next = try await rig.enqueue("test.atomic", ["key": "next"])
                try await eventually("both are in the queue") { try await rig.waiting() == 2 }
                try await rig.running([.worker(rig.worker())]) {
                    try await rig.wait(lost, for: .completed)
                    try await rig.wait(next, for: .completed)
                }
            }
            #expect(tally.total == 2)
        }
    }

    @Test func `a relay that finds a queue empty sends its wake-ups again at once`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            _ = try await rig.enqueue(jobs(3))
            try await rig.running([.relay(rig.relay())]) { try await eventually("sent") { try await rig.outbox("sent") == 3 } }
            let name = rig.prefix + "fast"
            #expect(try await rig.withBroker { try $0.purgeQueue(name) } == 3)
            try await rig.running([.relay(rig.relay())]) { try await eventually("sent again") { try await rig.waiting() == 3 } }
            // And one that finds them there sends none twice.
            try await rig.running([.relay(rig.relay())]) {
                _ = try await rig.enqueue(jobs(1))
                try await eventually("the new one is sent") { try await rig.waiting() == 4 }
            }
            let numbers = try await rig.value("select string_agg(publish::text, ' ' order by publish) from outbox", as: String.self)
            #expect(numbers == "4 5 6 7", "each time it is sent, a row has a new number")
        }
    }

    @Test func `what a full queue refuses stays in the outbox and goes out later`() async throws {
        let tally = Tally()
        let text = TestKinds.queue("fast", prefetch: 15).text.replacing("\"batch\"", with: "\"maxLength\": 1000, \"batch\"")
        let queue = (file: "fast.json", text: text)
        try await EngineRig.with(kinds: kinds, queues: [queue], handlers: [tally.atomic]) { rig in
            _ = try await rig.enqueue(jobs(1400))
            try await rig.running([.relay(rig.relay())]) {
                try await eventually("the broker has refused some") { rig.refused > 0 }
                #expect(try await rig.outbox("ready") > 0)
                try await rig.running([.worker(rig.worker())]) {
                    try await eventually("all have run", within: .seconds(40)) { try await rig.value("select count(*) from outbox") == 0 }
                }
            }
            #expect(tally.total == 1400)
        }
    }

    @Test func `no more wake-ups than the window wait at the broker`() async throws {
        let slow = TestKinds.kind("test.other", style: "atomic", queue: "slow")
        try await EngineRig.with(kinds: kinds + [slow], queues: [TestKinds.queue("fast"), TestKinds.queue("slow")]) { rig in
            _ = try await rig.enqueue(jobs(100))
            try await rig.running([.relay(rig.relay(window: 10, batch: 512))]) {
                for round in 1...5 {
                    // Once the other queue's wake-up is out, the relay has looked at this one as well, and again.
                    _ = try await rig.enqueue("test.other")
                    try await eventually("the other queue goes on") { try await rig.outbox("sent", queue: "slow") == round }
                    let sent = try await rig.outbox("sent")
                    #expect(sent <= 10)
                }
                try await eventually("the window is full") { try await rig.waiting() == 10 }
                // Workers that take them make room.
                let name = rig.prefix + "fast"
                #expect(try await rig.withBroker { try $0.purgeQueue(name) } == 10)
                try await eventually("the window is full again") { try await rig.waiting() == 10 }
                // The broker has them a moment before the relay's commit.
                try await eventually("as many more are marked") { try await rig.outbox("sent", queue: "fast") == 20 }
            }
        }
    }

    @Test func `one tenant's thousands do not stand before another's one`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            let (big, small) = (Identifier.next(), Identifier.next())
            for _ in 0..<5 { _ = try await rig.enqueue(jobs(1000, account: big)) }
            let one = try await rig.enqueue("test.atomic", account: small)
            try await rig.running([.relay(rig.relay(window: 100, batch: 50))]) {
                try await eventually("a window is sent") { try await rig.outbox("sent") == 100 }
            }
            #expect(try await rig.value("select count(*) from outbox where job_id = $1 and sent_at is not null", one) == 1)
            #expect(try await rig.value("select count(*) from outbox where account_id = $1 and sent_at is not null", big) == 99)
        }
    }

    @Test func `a higher priority goes first, and what it leaves over is used in the same turn`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            _ = try await rig.enqueue(jobs(300, priority: 0))
            _ = try await rig.enqueue(jobs(30, priority: 5))
            try await rig.running([.relay(rig.relay(window: 100, batch: 100))]) {
                try await eventually("a window is sent") { try await rig.outbox("sent") == 100 }
            }
            #expect(try await rig.value("select count(*) from outbox where rank = -5 and sent_at is not null") == 30)
            // All in one batch: a steady trickle of high priority would otherwise hold the rest up.
            #expect(try await rig.value("select count(distinct sent_at) from outbox where sent_at is not null") == 100)
            #expect(try await rig.value("select count(distinct xmin::text) from outbox where sent_at is not null") == 1)
        }
    }

    @Test func `waiting ages: a low priority is sent while a higher one is still waiting`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            let (high, low) = (Identifier.next(), Identifier.next())
            let old = try await rig.enqueue([NewJob("test.atomic", [:], account: low, priority: 0)])[0].id
            _ = try await rig.enqueue(jobs(1000, account: high, priority: 5))
            try await rig.running([.relay(rig.relay(window: 2, batch: 2, agingStep: .milliseconds(60)))]) {
                var claimed = 0
                let name = rig.prefix + "fast"
                // Takes and claims as fast as the relay sends: a window is always full of the higher priority's rows.
                while try await rig.value("select count(*) from outbox where job_id = $1 and sent_at is not null", old) == 0 {
                    _ = try? await rig.withBroker { try $0.purgeQueue(name) }
                    claimed += try await rig.value(
                        "with gone as (delete from outbox where sent_at is not null and account_id = $1 returning 1) select count(*) from gone", high)
                    try #require(claimed < 1000, "aging never fired")
                }
                #expect(claimed >= 2, "the higher priority went first")
                #expect(try await rig.outbox("ready") > 0)
            }
        }
    }

    @Test func `a queue that stands with other arguments does not stop the others`() async throws {
        let slow = TestKinds.kind("test.other", style: "atomic", queue: "slow")
        try await EngineRig.with(kinds: kinds + [slow], queues: [TestKinds.queue("fast"), TestKinds.queue("slow")]) { rig in
            let name = rig.prefix + "fast"
            _ = try await rig.withBroker { try $0.declareQueue(name, arguments: QueueArguments(.quorum, deliveryLimit: 3)) }
            _ = try await rig.enqueue("test.atomic")
            _ = try await rig.enqueue("test.other")
            try await rig.running([.relay(rig.relay())]) {
                try await eventually("both are sent") { try await (rig.waiting(), rig.waiting(in: "slow")) == (1, 1) }
            }
        }
    }

    @Test func `a trace of any length does not block its queue`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            _ = try await rig.enqueue([
                NewJob("test.atomic", [:], trace: String(repeating: "x", count: 100_000)), NewJob("test.atomic", [:], trace: "00-ab-cd-01"),
            ])
            try await rig.running([.relay(rig.relay())]) { try await eventually("both are sent") { try await rig.outbox("sent") == 2 } }
        }
    }

    @Test func `a delayed job is sent when its time comes`() async throws {
        let tally = Tally()
        try await EngineRig.with(kinds: kinds, handlers: [tally.atomic]) { rig in
            try await rig.running([.relay(rig.relay()), .worker(rig.worker())]) {
                let id = try await rig.enqueue("test.atomic", ["key": "late"], delay: .milliseconds(700))
                let job = try await rig.wait(id, for: .completed)
                let startedAt = try #require(job.startedAt)
                #expect(startedAt >= job.runAt)
                // Well before anything but the relay's own timer would have found it.
                #expect(startedAt - job.runAt < .seconds(3))
            }
        }
    }
}
