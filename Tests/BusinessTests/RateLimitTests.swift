import Business
import Clocks
import Postgres
import TestSupport
import Testing

@Suite(.database(.millrace))
struct RateLimitTests {
    private static let limits = RateLimits()
    /// A minute's beginning.
    private static let start = Instant(seconds: 1_790_000_040)

    @Test func `a window admits its limit, and the next one begins anew`() async throws {
        let connection = try TestDatabase.current.connect()
        func take(_ second: Int) throws -> RateLimitState {
            try Self.limits.take("ip:192.0.2.1", limit: 3, window: .seconds(60), on: connection, now: Self.start + .seconds(second))
        }
        #expect(try take(0) == RateLimitState(limit: 3, remaining: 2, resetAfter: .seconds(60), allowed: true))
        #expect(try take(10) == RateLimitState(limit: 3, remaining: 1, resetAfter: .seconds(50), allowed: true))
        #expect(try take(20).allowed)
        let over = try take(45)
        #expect(over == RateLimitState(limit: 3, remaining: 0, resetAfter: .seconds(15), allowed: false))
        let error = #expect(throws: BusinessError.self) { try over.require() }
        #expect(error?.retryAfter == .seconds(15))
        #expect(try !take(59).allowed)
        #expect(try take(60) == RateLimitState(limit: 3, remaining: 2, resetAfter: .seconds(60), allowed: true))
        // One that was late at the border counts in the newer window.
        #expect(try take(59).remaining == 1)
        #expect(try take(600).remaining == 2)
    }

    @Test func `limits of other things, and of other lengths, are apart`() async throws {
        let connection = try TestDatabase.current.connect()
        for (key, window) in [("a", 60), ("b", 60), ("a", 3600)] {
            #expect(try Self.limits.take(key, limit: 1, window: .seconds(window), on: connection, now: Self.start).allowed)
        }
        #expect(try !Self.limits.take("a", limit: 1, window: .seconds(60), on: connection, now: Self.start).allowed)
        #expect(try !Self.limits.take("none", limit: 0, window: .seconds(60), on: connection, now: Self.start).allowed)
    }

    @Test func `it is exact over many connections at once`() async throws {
        let database = Database(try TestDatabase.current.settings, lanes: 8, name: "limits")
        defer { database.stop() }
        let allowed = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<400 {
                group.addTask {
                    try await database.run { try Self.limits.take("hot", limit: 137, window: .seconds(60), on: $0, now: Self.start).allowed }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(allowed == 137)
    }

    @Test func `without a given time the database's clock counts`() async throws {
        let connection = try TestDatabase.current.connect()
        let state = try Self.limits.take("now", limit: 1, window: .seconds(3600), on: connection)
        #expect(state.allowed && state.resetAfter > .zero && state.resetAfter <= .seconds(3600))
    }

    @Test func `windows that are over are swept, others stay`() async throws {
        let connection = try TestDatabase.current.connect()
        for index in 0..<5 { _ = try Self.limits.take("k\(index)", limit: 1, window: .seconds(60), on: connection, now: Self.start) }
        _ = try Self.limits.take("long", limit: 1, window: .seconds(3600), on: connection, now: Self.start)
        #expect(try Self.limits.sweep(on: connection, now: Self.start + .seconds(30)) == 0)
        #expect(try Self.limits.sweep(on: connection, now: Self.start + .seconds(61)) == 5)
        #expect(try !Self.limits.take("long", limit: 1, window: .seconds(3600), on: connection, now: Self.start + .seconds(61)).allowed)
    }

    @Test func `logins are limited by name from anywhere, and by address for any name`() async throws {
        let connection = try TestDatabase.current.connect()
        var limits = LoginLimits()
        limits.perUsername = 3
        limits.perAddress = 5
        func attempt(_ name: String, _ ip: String) throws {
            try Self.limits.takeLogin(username: name, from: Origin(ip: ip), limits: limits, on: connection, now: Self.start)
        }
        for host in 1...3 { try attempt("Anna", "192.0.2.\(host)") }
        let error = #expect(throws: BusinessError.self) { try attempt(" anna ", "192.0.2.4") }
        #expect(error?.code == "too_many_logins" && error?.retryAfter != nil)
        for name in 1...5 { try attempt("user-\(name)", "2001:db8:1:1::\(name)") }
        #expect(throws: BusinessError.self) { try attempt("user-6", "2001:db8:1:1::6") }
        try attempt("user-6", "2001:db8:1:2::6")
        let names: Int = try connection.run(.once("select count(*) as n from rate_limits where key ilike '%anna%'")).only()("n")
        #expect(names == 0)
    }
}
