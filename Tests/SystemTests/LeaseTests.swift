import Business
import Bytes
import Engine
import Glibc
import TestSupport
import Testing

/// Workers that die or freeze with deliveries in hand.
@Suite(.database(.millrace), .serialized, .tellingLogs, .timeLimit(.minutes(3)))
struct LeaseTests {
    @Test func `deliveries of a killed worker are rescued and sent under the same ids`() async throws {
        try await SystemRig.run { rig in
            try await WebhookSink.run(.hanging) { sink in
                let market = try await Market.open(rig)
                try await market.subscribe(sink)
                _ = try rig.start("relay")
                let scheduler = try rig.start("scheduler")
                let worker = try rig.start("worker")
                let plans = try await market.purchases(5)
                try await eventually("all deliveries are under way") { Set(sink.received.map(\.id)).count == 5 }
                let other = try rig.start("worker")
                try await other.says("consuming", times: rig.catalog.queues.count)
                sink.become(.taking)
                worker.signal(SIGKILL)
                // One second until it counts as dead, one of a round, and what a run alone takes.
                try await market.settles(purchases: 5, within: .seconds(15))
                try await market.announced(plans, to: sink)
                #expect(sink.received.count == 10)
                #expect(scheduler.log.contains("leases rescued"))
                let spent = try await rig.count("select max(attempt) from finished_jobs where kind = 'webhook.deliver'")
                #expect(spent == 1, "a worker's death spends no attempt")
            }
        }
    }

    @Test func `a worker that is frozen for a while loses nothing and does nothing twice`() async throws {
        try await SystemRig.run { rig in
            try await WebhookSink.run { sink in
                let market = try await Market.open(rig, resellers: 3)
                for number in 0..<3 { try await market.subscribe(sink, by: number) }
                _ = try rig.start("relay")
                let scheduler = try rig.start("scheduler")
                let worker = try rig.start("worker")
                let other = try rig.start("worker")
                for process in [worker, other] { try await process.says("consuming", times: rig.catalog.queues.count) }
                var plans: [Identifier] = []
                for round in 0..<12 {
                    // Frozen in the middle of a transaction, it holds wallets until the server ends its session: ten seconds at most.
                    plans += try await market.purchasesAgainAndAgain(5)
                    if round == 6 { worker.signal(SIGSTOP) }
                }
                // Four times the time after which a worker that is gone would lose its leases, by the clock of the other's heartbeats.
                let beats = try await beats(of: other, rig)
                try await eventually("time passes") { try await self.beats(of: other, rig) >= beats + 4 }
                let deaths = try await rig.count("select count(*) from worker_deaths")
                #expect(deaths == 0)
                worker.signal(SIGCONT)
                try await market.settles(purchases: 60)
                try await market.announced(plans, to: sink)
                #expect(!scheduler.log.contains("worker is dead"))
                #expect(worker.ending == nil)
            }
        }
    }

    @Test func `a worker that is frozen for too long loses its leases and knows it afterwards`() async throws {
        try await SystemRig.run(with: ["MILLRACE_SCHEDULER_FROZEN_AFTER": "10s"]) { rig in
            try await WebhookSink.run(.hanging) { sink in
                let market = try await Market.open(rig)
                try await market.subscribe(sink)
                _ = try rig.start("relay")
                let scheduler = try rig.start("scheduler")
                let worker = try rig.start("worker")
                let plan = try await market.purchase().plan.id
                try await eventually("the delivery is under way") { !sink.received.isEmpty }
                worker.signal(SIGSTOP)
                let other = try rig.start("worker")
                sink.become(.taking)
                try await scheduler.says("worker is dead")
                try await market.settles(purchases: 1)
                worker.signal(SIGCONT)
                try await worker.says("worker breaks off its work")
                try await market.announced([plan], to: sink)
                // It works on, under a new identity.
                other.signal(SIGTERM)
                #expect(try await other.end() == .code(0))
                _ = try await market.purchase()
                try await market.settles(purchases: 2)
                worker.signal(SIGTERM)
                #expect(try await worker.end() == .code(0))
            }
        }
    }

    private func beats(of process: MillraceProcess, _ rig: SystemRig) async throws -> Int {
        try await rig.count("select coalesce(max(beats), 0) from workers where process = \(process.id)")
    }
}
