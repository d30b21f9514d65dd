import Business
import Bytes
import Engine
import JSON
import Postgres
import Synchronization
import Telemetry
import TestSupport
import Testing
import Work

/// Between the receiver's answer and the commit that knows of it lies the moment in which a worker can die.
@Suite(.whole, .database(.millrace), .timeLimit(.minutes(5)))
struct WebhookCrashTests {
    @Test func `a worker that dies before the answer is written down costs a second sending under the same id, and its late end is fenced`()
        async throws
    {
        let sink = Sink()
        let log = LogBook()
        let (answered, released) = (Gate(), Gate())
        let rig = try await WorkRig.open { options in
            options.log = Logger("test", level: .warning, sink: { log.add($0) })
            options.around = { services in
                [
                    .leased(
                        "webhook.deliver",
                        Followed(job: WebhookDeliverJob(services)) { _ in
                            // The first run ends here for everybody but itself.
                            guard !answered.isOpen else { return }
                            answered.open()
                            await released.wait()
                        })
                ]
            }
        }
        try await rig.losingWorker { lose in
            let (endpoint, _) = try await rig.endpoint(sink.url)
            let id = try await rig.send(to: endpoint)
            await answered.wait()
            #expect(sink.received.count == 1)
            try await lose(rig.log(id).delivery.jobID)
            let delivered = try await rig.wait(id, for: .delivered)
            #expect(sink.received.map { $0["webhook-id"] } == [id.text("msg"), id.text("msg")])
            #expect(delivered.attempts.map(\.attempt) == [1])
            // The dead worker comes back with its answer.
            released.open()
            try await eventually("the late end is fenced") { log.messages.contains { $0.contains("fenced") } }
            let after = try await rig.log(id)
            #expect(after.attempts.count == 1 && after.delivery.attempts == 1 && after.delivery.state == .delivered)
            let job = try await rig.engine.job(delivered.delivery.jobID)
            #expect(job.state == .completed && job.attempts.map { $0["outcome"]?.string } == ["rescued"])
        }
        await rig.close()
    }

    @Test func `a worker that is stopped while it sends spends no attempt, and the next one sends`() async throws {
        let sink = Sink { _, number in number == 1 ? .hang : .status(200) }
        let rig = try await WorkRig.open()
        let (relay, first, second) = (rig.engine.relay(), try rig.engine.worker(grace: .milliseconds(50)), try rig.engine.worker())
        relay.start()
        first.start()
        let (endpoint, _) = try await rig.endpoint(sink.url)
        let id = try await rig.send(to: endpoint)
        try await eventually("it is being sent") { sink.received.count == 1 }
        await offPool { _ = first.stop() }
        #expect(try await rig.log(id).attempts.isEmpty)
        second.start()
        let log = try await rig.wait(id, for: .delivered)
        #expect(log.attempts.map(\.attempt) == [1])
        #expect(try await rig.engine.job(log.delivery.jobID).attempt == 1)
        await offPool {
            _ = second.stop()
            _ = relay.stop()
        }
        await rig.close()
    }
}
