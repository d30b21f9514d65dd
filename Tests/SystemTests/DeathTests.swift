import Business
import Bytes
import Engine
import Faults
import Glibc
import TestSupport
import Testing

/// Processes that die at any moment, under load.
@Suite(.database(.millrace), .serialized, .tellingLogs, .timeLimit(.minutes(3)))
struct DeathTests {
    @Test func `workers killed at random moments lose no purchase and do none twice`() async throws {
        try await SystemRig.run { rig in
            try await WebhookSink.run { sink in
                let market = try await Market.open(rig, resellers: 5)
                for number in 0..<5 { try await market.subscribe(sink, by: number) }
                _ = try rig.start("relay")
                _ = try rig.start("scheduler")
                var worker = try rig.start("worker")
                var dice = SeededGenerator.fresh()
                var plans: [Identifier] = []
                for round in 0..<5 {
                    plans += try await market.purchases(40)
                    if round == 0 { try await worker.says("consuming") }
                    let target = plans.count - 40 + Int.random(in: 1...30, using: &dice)
                    try await eventually("the worker is in the middle") {
                        try await rig.count("select count(*) from plans where status = 'active'") >= target
                    }
                    worker.signal(SIGKILL)
                    worker = try rig.start("worker")
                }
                try await market.settles(purchases: plans.count)
                try await market.announced(plans, to: sink)
            }
        }
    }

    @Test func `relays killed at random moments send every wake-up`() async throws {
        try await SystemRig.run { rig in
            try await WebhookSink.run { sink in
                let market = try await Market.open(rig, resellers: 3)
                for number in 0..<3 { try await market.subscribe(sink, by: number) }
                var relay = try rig.start("relay")
                try await relay.says("relay connected")
                _ = try rig.start("scheduler")
                let worker = try rig.start("worker")
                try await worker.says("consuming", times: rig.catalog.queues.count)
                var dice = SeededGenerator.fresh()
                var plans: [Identifier] = []
                for _ in 0..<5 {
                    plans += try await market.purchases(20)
                    let target = plans.count - 20 + Int.random(in: 0...10, using: &dice)
                    try await eventually("the relay is in the middle") {
                        try await rig.count("select count(*) from plans where status = 'active'") >= target
                    }
                    relay.signal(SIGKILL)
                    relay = try rig.start("relay")
                    try await relay.says("relay connected")
                }
                try await market.settles(purchases: plans.count)
                try await market.announced(plans, to: sink)
                #expect(worker.ending == nil)
            }
        }
    }

    @Test func `when the leading scheduler dies another one leads and rescues`() async throws {
        try await SystemRig.run { rig in
            try await WebhookSink.run(.hanging) { sink in
                let market = try await Market.open(rig)
                try await market.subscribe(sink)
                _ = try rig.start("relay")
                let first = try rig.start("scheduler")
                try await first.says("leading the maintenance")
                let second = try rig.start("scheduler")
                let worker = try rig.start("worker")
                try await second.says("started")
                let plan = try await market.purchase().plan.id
                try await eventually("the delivery is under way") { !sink.received.isEmpty }
                first.signal(SIGKILL)
                worker.signal(SIGKILL)
                try await second.says("leading the maintenance")
                sink.become(.taking)
                _ = try rig.start("worker")
                try await market.settles(purchases: 1)
                try await market.announced([plan], to: sink)
                #expect(second.log.contains("leases rescued"))
            }
        }
    }

    @Test func `an API killed in the middle of requests sells each plan once`() async throws {
        try await SystemRig.run { rig in
            let market = try await Market.open(rig)
            for role in ["relay", "scheduler", "worker"] { _ = try rig.start(role) }
            let first = try rig.start("api")
            let customer = try await Customer.enters(rig)
            var dice = SeededGenerator.fresh()
            let moments = (0..<4).map { _ in Int.random(in: 1...8, using: &dice) }
            let purchases = try await withThrowingTaskGroup(of: [Customer.Purchase].self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        var purchases: [Customer.Purchase] = []
                        for _ in 0..<10 { purchases.append(try await customer.buys()) }
                        return purchases
                    }
                }
                var api = first
                for moment in moments {
                    let sold = try await rig.count("select count(*) from plans")
                    try await eventually("some more requests are in hand") {
                        try await rig.count("select count(*) from plans") >= min(sold + moment, 38)
                    }
                    api.signal(SIGKILL)
                    try await api.end()
                    api = try rig.start("api")
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(Set(purchases.map(\.planID)).count == 40)
            try await market.settles(purchases: 40)
        }
    }
}
