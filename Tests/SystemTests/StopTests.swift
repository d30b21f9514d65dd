import Business
import Bytes
import Glibc
import TestSupport
import Testing

/// Stopping, which is done every day.
@Suite(.database(.millrace), .serialized, .tellingLogs, .timeLimit(.minutes(3)))
struct StopTests {
    @Test func `a worker that is stopped under load gives back what it does not finish, and no attempt is spent`() async throws {
        try await SystemRig.run(with: ["MILLRACE_WORKER_GRACE": "2s"]) { rig in
            try await WebhookSink.run(.hanging) { sink in
                let market = try await Market.open(rig, resellers: 2)
                for number in 0..<2 { try await market.subscribe(sink, by: number) }
                _ = try rig.start("relay")
                _ = try rig.start("scheduler")
                let worker = try rig.start("worker")
                let plans = try await market.purchases(60)
                try await eventually("deliveries are in hand") { sink.received.count > 5 }
                worker.signal(SIGTERM)
                #expect(try await worker.end(within: .seconds(10)) == .code(0))
                let running = try await rig.count("select count(*) from running_jobs")
                #expect(running == 0)
                sink.become(.taking)
                let other = try rig.start("worker")
                try await market.settles(purchases: 60)
                try await market.announced(plans, to: sink)
                let spent = try await rig.count("select max(attempt) from finished_jobs")
                #expect(spent == 1)
                #expect(other.ending == nil)
            }
        }
    }

    @Test func `a worker that is stopped without grace breaks its batches off, and no attempt is spent`() async throws {
        try await SystemRig.run(with: ["MILLRACE_WORKER_GRACE": "0s"]) { rig in
            let market = try await Market.open(rig, resellers: 2)
            _ = try rig.start("relay")
            _ = try rig.start("scheduler")
            let worker = try rig.start("worker")
            for _ in 0..<4 { _ = try await market.purchases(60) }
            try await eventually("a batch is done") { try await rig.count("select count(*) from plans where status = 'active'") > 0 }
            worker.signal(SIGTERM)
            #expect(try await worker.end(within: .seconds(10)) == .code(0))
            _ = try rig.start("worker")
            try await market.settles(purchases: 240)
            let spent = try await rig.count("select max(attempt) from finished_jobs")
            #expect(spent == 1)
        }
    }

    @Test func `a second signal ends a stop that waits`() async throws {
        try await SystemRig.run(with: ["MILLRACE_WORKER_GRACE": "60s"]) { rig in
            try await WebhookSink.run(.hanging) { sink in
                let market = try await Market.open(rig)
                try await market.subscribe(sink)
                _ = try rig.start("relay")
                let worker = try rig.start("worker")
                _ = try await market.purchase()
                try await eventually("the delivery is in hand") { !sink.received.isEmpty }
                worker.signal(SIGTERM)
                try await worker.says("stopping")
                #expect(worker.ending == nil)
                worker.signal(SIGTERM)
                #expect(try await worker.end(within: .seconds(5)) == .code(128 + SIGTERM))
            }
        }
    }

    @Test(arguments: [SIGTERM, SIGINT]) func `every role ends with 0 when it is told to`(_ signal: Int32) async throws {
        try await SystemRig.run { rig in
            let roles = try ["relay", "scheduler", "worker", "api"].map { try rig.start($0) }
            for role in roles { try await role.says("started") }
            for role in roles { role.signal(signal) }
            for role in roles { #expect(try await role.end(within: .seconds(15)) == .code(0), "\(role.name)") }
            let workers = try await rig.count("select count(*) from workers")
            #expect(workers == 0)
        }
    }
}
