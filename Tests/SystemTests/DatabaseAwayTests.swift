import Business
import Bytes
import Glibc
import HTTPClient
import JSON
import TestSupport
import Testing

/// PostgreSQL that goes away and comes back: nothing is accepted meanwhile, and nothing is lost or doubled.
@Suite(.database(.millrace), .serialized, .tellingLogs, .timeLimit(.minutes(3)))
struct DatabaseAwayTests {
    @Test func `when the database goes away under load nothing exits, and every accepted purchase takes effect once`() async throws {
        try await SystemRig.run { rig in
            try await WebhookSink.run { sink in
                let market = try await Market.open(rig)
                try await market.subscribe(sink)
                let (proxy, away) = try rig.proxy(for: "MILLRACE_DATABASE_URL")
                let roles = try ["relay", "scheduler", "worker", "api"].map { try rig.start([$0], with: away) }
                let customer = try await Customer.enters(rig)
                let purchases = try await withThrowingTaskGroup(of: [Customer.Purchase].self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            var purchases: [Customer.Purchase] = []
                            for _ in 0..<12 { purchases.append(try await customer.buys()) }
                            return purchases
                        }
                    }
                    for sold in [5, 20] {
                        try await eventually("some are sold") { try await rig.count("select count(*) from plans") >= sold }
                        proxy.cut()
                        // Every lane has met it by the time the API says so itself.
                        try await eventually("the API says that the database is away") {
                            let answer = try await customer.send(.get, "/balance")
                            return answer.status == 503 && answer.code == "database_unavailable"
                        }
                        proxy.restore()
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
                #expect(Set(purchases.map(\.planID)).count == 48)
                try await market.settles(purchases: 48)
                try await market.announced(purchases.compactMap { Identifier($0.planID, prefix: "plan") }, to: sink)
                for role in roles { #expect(role.ending == nil, "\(role.name)") }
                for role in roles { role.signal(SIGTERM) }
                for role in roles { #expect(try await role.end() == .code(0), "\(role.name)") }
            }
        }
    }

    @Test func `roles that start before the database wait for it`() async throws {
        try await SystemRig.run { rig in
            let market = try await Market.open(rig)
            let (proxy, away) = try rig.proxy(for: "MILLRACE_DATABASE_URL")
            proxy.cut()
            let roles = try ["relay", "scheduler", "worker", "api"].map { try rig.start([$0], with: away) }
            let migrate = try rig.start(["migrate"], with: away)
            for role in roles { try await role.says("started") }
            #expect(try await migrate.end() == .code(69))
            #expect(migrate.log.contains("the database cannot be reached"))
            let customer = Customer(of: rig)
            try await eventually("the API says that it waits") {
                let answer = try? await customer.send(.post, "/auth/login", ["username": "a", "password": "long enough"])
                return answer?.code == "database_unavailable"
            }
            proxy.restore()
            _ = try await Customer.enters(rig).buys()
            try await market.settles(purchases: 1)
            for role in roles { #expect(role.ending == nil, "\(role.name)") }
        }
    }

    @Test func `a role that waits for the database stops when it is told to`() async throws {
        try await SystemRig.run { rig in
            let (proxy, away) = try rig.proxy(for: "MILLRACE_DATABASE_URL")
            proxy.cut()
            let roles = try ["relay", "scheduler", "worker", "api"].map { try rig.start([$0], with: away) }
            for role in roles { try await role.says("started") }
            for role in roles { role.signal(SIGTERM) }
            for role in roles { #expect(try await role.end(within: .seconds(20)) == .code(0), "\(role.name)") }
        }
    }
}
