import HTTPClient
import HTTPServer
import JSON
import TestSupport
import Testing

@testable import API

/// How often an address may call.
@Suite(.database(.millrace)) struct RateLimitTests {
    @Test func `the limit is one for all processes, and told in every answer`() async throws {
        try await APIRig.run(settings: { $0.rateLimit = 6 }) { one in
            let two = try await APIRig.open(world: one.world, settings: { $0.rateLimit = 6 })
            var answers: [APICaller.Answer] = []
            for index in 0..<8 { answers.append(try await (index.isMultiple(of: 2) ? one : two).nobody.get("/balance")) }
            await two.close()
            // A minute may begin in between; then there are two windows, each counted down on its own.
            let refused = answers.filter { $0.status == 429 }
            let remaining = answers.compactMap { $0.header("RateLimit-Remaining").flatMap { Int($0) } }
            #expect(remaining.count == 8)
            #expect(answers.allSatisfy { $0.header("RateLimit-Limit") == "6" })
            #expect(refused.count == 2 || remaining.filter { $0 == 5 }.count == 2, "\(remaining)")
            for answer in refused {
                #expect(answer.code == "too_many_requests")
                let wait = try #require(answer.header("Retry-After").flatMap { Int($0) })
                #expect((1...60).contains(wait))
                #expect(answer.header("RateLimit-Remaining") == "0")
            }
        }
    }

    @Test func `requests that nobody may make are counted too, documents are not`() async throws {
        try await APIRig.run(settings: { $0.rateLimit = 2 }) { rig in
            for path in ["/openapi.json", "/docs", "/healthz", "/readyz"] {
                for _ in 0..<3 { #expect(try await rig.nobody.get(path).status == 200) }
            }
            var counted = 0
            // A new minute may begin between two of them; not twice.
            for _ in 0..<2 where counted < 2 {
                for _ in 0..<5 { _ = try await rig.nobody.with("X-API-Key", "mr_live_wrong").get("/plans") }
                counted = try await rig.count("select coalesce(max(count), 0)::int from rate_limits where key like 'ip:%'")
            }
            #expect(counted >= 2)
        }
    }

    @Test func `tries to log in are held up by address and by name`() async throws {
        try await APIRig.run(settings: { $0.loginRateLimit = 3 }) { rig in
            var statuses: [Int] = []
            for _ in 0..<8 { statuses.append(try await rig.nobody.post("/auth/login", ["username": "north", "password": "wrong wrong"]).status) }
            #expect(statuses.filter { $0 == 401 }.count <= 6)
            #expect(statuses.contains(429))
            let other = try await rig.nobody.post("/auth/login", ["username": "north", "password": .string(rig.world.password)])
            #expect(other.status == 429 || other.status == 200)
            if other.status == 429 {
                #expect(other.code == "too_many_logins")
                #expect(other.header("Retry-After") != nil)
            }
        }
    }

    @Test func `behind a trusted proxy each client has its own limit, and nobody can choose theirs`() async throws {
        try await APIRig.run(settings: {
            $0.rateLimit = 3
            $0.trustedProxies = [try Network("127.0.0.1/32")]
        }) { rig in
            for _ in 0..<4 {
                _ = try await rig.nobody.with("X-Forwarded-For", "203.0.113.7").get("/balance")
                _ = try await rig.nobody.with("X-Forwarded-For", "198.51.100.1, 203.0.113.7").get("/balance")
            }
            let other = try await rig.nobody.with("X-Forwarded-For", "203.0.113.8").get("/balance")
            #expect(other.header("RateLimit-Remaining") == "2")
            let keys = try await rig.count("select count(distinct key)::int from rate_limits where key like 'ip:%'")
            #expect(keys == 2)
        }
    }

    @Test func `the client is the first address that no trusted proxy has`() throws {
        let address = ClientAddress(trusted: [try Network("10.0.0.0/8"), try Network("2001:db8::/32")])
        func client(_ socket: String, _ forwarded: String...) throws -> String {
            var headers = Headers()
            for value in forwarded { headers.add("X-Forwarded-For", value) }
            return address.text(of: try Request(.get, "/", headers: headers, clientAddress: socket).orThrow())
        }
        #expect(try client("192.0.2.1", "203.0.113.7") == "192.0.2.1")
        #expect(try client("10.0.0.1") == "10.0.0.1")
        #expect(try client("10.0.0.1", "203.0.113.7") == "203.0.113.7")
        #expect(try client("10.0.0.1", "1.1.1.1, 203.0.113.7, 10.0.0.2") == "203.0.113.7")
        #expect(try client("10.0.0.1", "1.1.1.1", "203.0.113.7") == "203.0.113.7")
        #expect(try client("10.0.0.1", "10.0.0.9, 10.0.0.2") == "10.0.0.9")
        #expect(try client("10.0.0.1", "203.0.113.7:4711") == "203.0.113.7")
        #expect(try client("10.0.0.1", "[2001:db8::5]:80, [2a00::1]:443") == "2a00::1")
        #expect(try client("::ffff:10.0.0.1", "203.0.113.7") == "203.0.113.7")
        #expect(try client("10.0.0.1", "203.0.113.7, unknown") == "10.0.0.1")
        #expect(try client("10.0.0.1", "") == "10.0.0.1")
    }
}
