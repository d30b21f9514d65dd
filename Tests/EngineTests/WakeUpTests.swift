import Bytes
import JSON
import Postgres
import RabbitMQ
import TestSupport
import Testing

@testable import Engine

/// A message only says where there is work: whatever comes over the broker, the ledger decides.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct WakeUpTests {
    private let kinds = TestKinds.bothStyles

    @Test func `a message of several jobs is acked when the last of them is done with`() async throws {
        let tally = Tally()
        try await EngineRig.with(kinds: kinds, handlers: [tally.atomic, tally.leased]) { rig in
            try await rig.declareQueues()
            var entries: [WakeUpMessage.Entry] = []
            for key in ["a", "b", "c"] {
                entries.append(WakeUpMessage.Entry(id: try await rig.enqueue("test.atomic", ["key": .string(key)]), publish: 1))
            }
            try await rig.script("update outbox set sent_at = now(), publish = 1")
            // One that is gone, one that is stale, and a line without sense among them.
            let stale = WakeUpMessage.Entry(id: entries[2].id, publish: 0)
            let message = WakeUpMessage(kind: "test.atomic", entries: [WakeUpMessage.Entry(id: .next(), publish: 1), stale] + entries)
            var outgoing = message.outgoing(routingKey: rig.prefix + "fast")
            outgoing.body += Array("\nno sense".utf8)
            try await rig.publish([outgoing])
            try await rig.running([.worker(rig.worker())]) {
                for entry in entries { try await rig.wait(entry.id, for: .completed) }
                try await eventually("the queue is empty") { try await rig.waiting() == 0 }
            }
            #expect(try await rig.waiting() == 0)
            #expect(tally.total == 3)
        }
    }

    @Test func `messages of a wrong number, an unknown job or no sense are acked and nothing happens`() async throws {
        let tally = Tally()
        try await EngineRig.with(kinds: kinds, handlers: [tally.atomic, tally.leased]) { rig in
            try await rig.declareQueues()
            let later = try await rig.enqueue("test.atomic", ["key": "later"], delay: .seconds(3600))
            let ready = try await rig.enqueue("test.leased", ["key": "ready"])
            let (queue, number, readyNumber) = (rig.prefix + "fast", try await rig.number(of: later), try await rig.number(of: ready))
            try await rig.publish([
                // Of a job that is not due, with the number that its row has, the next one, and one from nowhere.
                rig.wakeUp(later, publish: number, kind: "test.atomic"), rig.wakeUp(later, publish: number + 1, kind: "test.atomic"),
                rig.wakeUp(later, publish: 77, kind: "test.leased"),
                // Of a job that is due, with numbers that are not its row's.
                rig.wakeUp(ready, publish: readyNumber - 1, kind: "test.leased"), rig.wakeUp(ready, publish: -1, kind: "test.leased"),
                rig.wakeUp(.next(), publish: 1, kind: "test.atomic"),
                OutgoingMessage(routingKey: queue, messageID: later.description),
                OutgoingMessage(routingKey: queue, messageID: "not an id", headers: ["publish": .int(1)], body: [0xFF, 0x00]),
                OutgoingMessage(routingKey: queue, messageID: "", headers: ["publish": .string("1")], body: Array("{".utf8)),
            ])
            try await rig.running([.worker(rig.worker())]) {
                // Behind all those: when this one has run, they have been looked at.
                let last = try await rig.enqueue("test.atomic", ["key": "last"])
                try await rig.script("update outbox set sent_at = now(), publish = 1 where job_id = '\(last)'")
                try await rig.publish([rig.wakeUp(last, publish: 1, kind: "test.atomic")])
                try await rig.wait(last, for: .completed)
                try await eventually("the queue is empty") { try await rig.waiting() == 0 }
            }
            // Nothing came back when the worker closed its connection, so all were acked.
            #expect(try await rig.waiting() == 0)
            #expect(tally["later"] == 0)
            #expect(tally["ready"] == 0)
            #expect(try await rig.job(later).state == .queued)
            #expect(try await rig.job(later).attempts.isEmpty)
            #expect(try await rig.job(ready).state == .queued)
        }
    }

    @Test func `duplicates of a wake-up run a job once`() async throws {
        let tally = Tally()
        try await EngineRig.with(kinds: kinds, handlers: [tally.atomic, tally.leased]) { rig in
            var ids: [Identifier] = []
            try await rig.running([.relay(rig.relay())]) {
                for number in 0..<10 {
                    ids.append(try await rig.enqueue(number % 2 == 0 ? "test.atomic" : "test.leased", ["key": .string("\(number)")]))
                }
                try await eventually("all are sent") { try await rig.outbox("sent") == 10 }
            }
            var copies: [OutgoingMessage] = []
            for (index, id) in ids.enumerated() {
                let wakeUp = rig.wakeUp(id, publish: try await rig.number(of: id), kind: index % 2 == 0 ? "test.atomic" : "test.leased")
                copies += Array(repeating: wakeUp, count: 5)
            }
            try await rig.publish(copies.shuffled())
            try await rig.running([.worker(rig.worker()), .worker(rig.worker())]) {
                for id in ids { try await rig.wait(id, for: .completed) }
                try await eventually("the queue is empty") { try await rig.waiting() == 0 }
            }
            #expect(try await rig.waiting() == 0)
            #expect(tally.total == 10)
        }
    }

    @Test(arguments: ["test.atomic", "test.leased"]) func `a duplicate does not defeat a backoff`(kind: String) async throws {
        let tally = Tally()
        let style = kind == "test.atomic" ? "atomic" : "leased"
        let failing: [JobHandler] = [
            .atomic(
                "test.atomic",
                AtomicTestJob { payload, _ in
                    if payload.key == "first", tally.add() == 1 { throw JobError(.transient, code: "once", "not yet") }
                    return .done()
                }),
            .leased(
                "test.leased",
                LeasedTestJob { payload, _ in
                    if payload.key == "first", tally.add() == 1 { throw JobError(.transient, code: "once", "not yet") }
                    return .done()
                }),
        ]
        try await EngineRig.with(kinds: [TestKinds.kind(kind, style: style, backoff: #"{ "delays": ["1h"] }"#)], handlers: failing) { rig in
            try await rig.running {
                let id = try await rig.enqueue(kind, ["key": "first"])
                try await eventually("the first attempt has failed") { try await rig.job(id).attempts.count == 1 }
                let number = try await rig.number(of: id)
                try await rig.publish((number - 3...number + 1).map { rig.wakeUp(id, publish: $0, kind: kind) })
                try await rig.wait(rig.enqueue(kind, ["key": "last"]), for: .completed)
                try await eventually("the queue is empty") { try await rig.waiting() == 0 }
                let job = try await rig.job(id)
                #expect(job.state == .queued)
                #expect(job.attempt == 1)
                #expect(tally.total == 1)
            }
        }
    }

    @Test func `a row that the relay still holds is claimed after its commit`() async throws {
        let tally = Tally()
        try await EngineRig.with(kinds: kinds, handlers: [tally.atomic, tally.leased]) { rig in
            try await rig.declareQueues()
            let id = try await rig.enqueue("test.atomic", ["key": "held"])
            try await rig.running([.worker(rig.worker())]) {
                let held = Barrier()
                let relay = try await rig.hold(
                    id, held, then: "update outbox set sent_at = now(), publish = 1 where job_id = '\(id)'")
                try await rig.publish([rig.wakeUp(id, publish: 1, kind: "test.atomic")])
                try await eventually("the claim waits for the row") {
                    try await rig.value("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") == 1
                }
                #expect(tally["held"] == 0)
                held.open()
                try await relay.value
                try await rig.wait(id, for: .completed)
            }
            #expect(tally["held"] == 1)
        }
    }

    @Test func `a row that is held for longer is left, and its batch runs`() async throws {
        let tally = Tally()
        try await EngineRig.with(kinds: kinds, handlers: [tally.atomic, tally.leased]) { rig in
            try await rig.declareQueues()
            let held = try await rig.enqueue("test.leased", ["key": "held"])
            let free = try await rig.enqueue("test.leased", ["key": "free"])
            try await rig.script("update outbox set sent_at = now(), publish = 1")
            try await rig.publish([held, free].map { rig.wakeUp($0, publish: 1, kind: "test.leased") })
            let barrier = Barrier()
            let holder = try await rig.hold(held, barrier)
            try await rig.running([.worker(rig.worker())]) {
                try await rig.wait(free, for: .completed)
                #expect(tally["held"] == 0)
                barrier.open()
                try await holder.value
                try await eventually("the queue is empty") { try await rig.waiting() == 0 }
            }
            #expect(try await rig.waiting() == 0)
            #expect(try await rig.job(held).state == .queued)
        }
    }
}
