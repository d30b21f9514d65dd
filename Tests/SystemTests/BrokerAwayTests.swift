import Business
import Bytes
import Engine
import HTTPClient
import TestSupport
import Testing

/// RabbitMQ that goes away and comes back: only the wake-ups are late.
@Suite(.database(.millrace), .serialized, .tellingLogs, .timeLimit(.minutes(3)))
struct BrokerAwayTests {
    @Test func `while the broker is down jobs and retries go on, and then it is used again`() async throws {
        try await SystemRig.run { rig in
            try await WebhookSink.run { sink in
                let market = try await Market.open(rig, resellers: 2)
                for number in 0..<2 { try await market.subscribe(sink, by: number) }
                let (proxy, away) = try rig.proxy(for: "MILLRACE_AMQP_URL")
                let relay = try rig.start("relay", with: away)
                let scheduler = try rig.start("scheduler", with: away)
                try await relay.says("relay connected")
                let port = FreePort.take()
                let worker = try rig.start("worker", with: away.merging(["MILLRACE_METRICS_PORT": "\(port)"]) { $1 })
                try await worker.says("consuming", times: rig.catalog.queues.count)
                var plans: [Identifier] = []
                plans += try await market.purchases(10)
                proxy.cut()
                // The first attempt of each delivery is refused, so the second falls due while the broker is away.
                // Few enough that no endpoint's breaker opens.
                sink.become(.refusingOnce(500))
                plans += try await market.purchases(4)
                try await eventually("all are refused once") {
                    try await rig.count("select count(distinct delivery_id) from webhook_attempts where status = 500") >= 4
                }
                sink.become(.taking)
                plans += try await market.purchases(16)
                try await worker.says("polling the outbox")
                try await market.settles(purchases: plans.count)
                #expect(try await connected(port) == 0)
                proxy.restore()
                try await relay.says("relay connected", times: 2)
                try await eventually("every queue is consumed again") { try await connected(port) == rig.catalog.queues.count }
                plans += try await market.purchases(5)
                try await market.settles(purchases: plans.count)
                try await market.announced(plans, to: sink)
                for process in [relay, scheduler, worker] { #expect(process.ending == nil) }
            }
        }
    }

    @Test func `a wiped broker loses wake-ups and no job`() async throws {
        try await SystemRig.run { rig in
            let market = try await Market.open(rig)
            let relay = try rig.start("relay")
            _ = try rig.start("scheduler")
            _ = try await market.purchases(10)
            try await eventually("all wake-ups are sent") {
                try await rig.count("select count(*) from outbox where sent_at is not null and kind = 'plan.purchase'") == 10
            }
            await rig.wipeBroker()
            // The next wake-up comes back from the broker; the relay makes the queues anew and sends the others again.
            _ = try await market.purchases(1)
            try await relay.says("new at the broker, wake-ups are sent again")
            let worker = try rig.start("worker")
            try await worker.says("consuming", times: rig.catalog.queues.count)
            try await market.settles(purchases: 11)

            await rig.wipeBroker()
            var purchases = 11
            // The worker polls meanwhile, so the relay may have nothing to send.
            try await eventually("the queues are there again", within: .seconds(30)) {
                purchases += try await market.purchases(3).count
                return relay.log.split(separator: "\n").count { $0.contains("relay connected") } == 3
            }
            try await worker.says("consuming", times: 2 * rig.catalog.queues.count)
            try await market.settles(purchases: purchases)
            #expect(relay.ending == nil && worker.ending == nil)
        }
    }

    @Test func `a connection that swallows everything is noticed by its heartbeat`() async throws {
        try await SystemRig.run { rig in
            let market = try await Market.open(rig)
            let (proxy, away) = try rig.proxy(for: "MILLRACE_AMQP_URL")
            let relay = try rig.start("relay", with: away)
            try await relay.says("relay connected")
            _ = try rig.start("scheduler", with: away)
            let worker = try rig.start("worker", with: away)
            try await worker.says("consuming", times: rig.catalog.queues.count)
            proxy.swallow()
            _ = try await market.purchases(5)
            // Two heartbeats of five seconds, and a look of each second.
            try await worker.says("polling the outbox", within: .seconds(20))
            try await market.settles(purchases: 5, within: .seconds(20))
            proxy.restore()
            try await relay.says("relay connected", times: 2)
            _ = try await market.purchase()
            try await market.settles(purchases: 6)
            #expect(relay.ending == nil && worker.ending == nil)
        }
    }

    /// How many queues the worker says that it consumes.
    private func connected(_ port: Int) async throws -> Int {
        let answer = try await Self.http.send(ClientRequest(.get, "http://127.0.0.1:\(port)/metrics", destination: .trusted))
        let lines = String(decoding: answer.body, as: UTF8.self).split(separator: "\n")
        return lines.count { $0.hasPrefix("millrace_worker_broker_connected{") && $0.hasSuffix(" 1") }
    }

    private static let http = HTTPClient()
}
