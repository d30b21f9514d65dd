import Business
import Bytes
import Clocks
import Postgres
import TestSupport
import Testing

struct IdempotencyKeyTests {
    @Test(arguments: ["", "tab\t", "nul\0", "ümlaut", String(repeating: "k", count: 256)])
    func `a key that is none is refused`(key: String) {
        let error = #expect(throws: BusinessError.self) {
            try IdempotentRequest(key: key, method: "POST", path: "/", body: [], account: .next())
        }
        #expect(error?.code == "invalid_idempotency_key")
    }
}

@Suite(.database(.millrace))
struct IdempotencyTests {
    private static let account = Identifier.next()
    private static let idempotency = Idempotency()

    private static func request(_ key: String = "k1", body: String = "{}", path: String = "/api/v1/plans", account: Identifier = account) throws
        -> IdempotentRequest
    {
        try IdempotentRequest(key: key, method: "POST", path: path, body: Array(body.utf8), account: account)
    }

    private static func answer(_ text: String, status: Int = 202) -> StoredResponse {
        StoredResponse(status: status, body: Array(text.utf8), contentType: "application/json", location: "/api/v1/jobs/1")
    }

    @Test func `the first answer is given again, and the effects happen once`() async throws {
        let connection = try prepared()
        for round in 0..<3 {
            let response = try connection.transaction { connection in
                try Self.idempotency.run(Self.request(), on: connection) {
                    try connection.run(.once("insert into effects values ($1)"), round)
                    return Self.answer("first")
                }
            }
            #expect(response.status == 202 && response.body == Array("first".utf8) && response.location == "/api/v1/jobs/1")
            #expect(response.contentType == "application/json" && response.replayed == (round > 0))
        }
        #expect(try effects(connection) == 1)
    }

    @Test func `another body under the same key is refused, another path or account is another request`() async throws {
        let connection = try prepared()
        try run(Self.request(), connection)
        let error = #expect(throws: BusinessError.self) { try run(Self.request(body: "{ }"), connection) }
        #expect(error?.code == "idempotency_key_reused" && error?.kind == .invalid)
        #expect(try !run(Self.request(path: "/api/v1/plans/x/extend"), connection).replayed)
        #expect(try !run(Self.request(account: .next()), connection).replayed)
        let long = "/" + String(repeating: "x", count: 8000)
        #expect(try !run(Self.request(path: long), connection).replayed)
        #expect(try run(Self.request(path: long), connection).replayed)
        #expect(try !run(Self.request(path: long + "y"), connection).replayed)
    }

    @Test func `a request that fails leaves nothing`() async throws {
        let connection = try prepared()
        #expect(throws: BusinessError.self) {
            try connection.transaction { connection in
                try Self.idempotency.run(Self.request(), on: connection) {
                    try connection.run(.once("insert into effects values (1)"))
                    throw BusinessError(.paymentRequired, "insufficient_balance", "no money")
                }
            }
        }
        #expect(try !run(Self.request(), connection, status: 422).replayed)
        #expect(try !run(Self.request(), connection).replayed)
        #expect(try run(Self.request(), connection).replayed)
    }

    @Test func `an answer that shows a secret is given again without it`() async throws {
        let connection = try prepared()
        var response = Self.answer("secret", status: 201)
        response.replayBody = Array("masked".utf8)
        for expected in ["secret", "masked"] {
            let given = try connection.transaction { connection in try Self.idempotency.run(Self.request(), on: connection) { response } }
            #expect(given.body == Array(expected.utf8))
        }
    }

    @Test func `a key of 255 characters is one`() async throws {
        let connection = try prepared()
        let request = try Self.request(String(repeating: "~", count: 255))
        try run(request, connection)
        #expect(try run(request, connection).replayed)
    }

    @Test(arguments: [("commit", "first"), ("rollback", "second")]) func `a second request waits for the first, and has its answer or its place`(
        end: String, answered: String
    ) async throws {
        let (first, second) = (try prepared(), try TestDatabase.current.connect())
        try first.script("begin")
        _ = try Self.idempotency.run(Self.request(), on: first) { Self.answer("first") }
        let waiter = second.backendProcessID
        let watcher = try TestDatabase.current.connect()
        nonisolated(unsafe) let blocked = second
        async let answer = offPool {
            Swift.Result { try blocked.transaction { try Self.idempotency.run(Self.request(), on: $0) { Self.answer("second") } } }
        }
        try await eventually("the second waits") {
            try watcher.run(.once("select wait_event_type = 'Lock' as waits from pg_stat_activity where pid = $1"), waiter).only()("waits") ?? false
        }
        try first.script(end)
        let response = try await answer.get()
        #expect(response.replayed == (answered == "first") && response.body == Array(answered.utf8))
    }

    @Test func `who waits too long is told to come again`() async throws {
        let (first, second) = (try prepared(), try TestDatabase.current.connect())
        try first.script("begin")
        _ = try Self.idempotency.run(Self.request(), on: first) { Self.answer("first") }
        nonisolated(unsafe) let blocked = second
        let outcome = await offPool {
            let clock = ContinuousClock()
            var result: Swift.Result<StoredResponse, any Error> = .failure(CancellationError())
            let took = clock.measure {
                result = Swift.Result { try blocked.transaction { try Self.idempotency.run(Self.request(), on: $0) { Self.answer("second") } } }
            }
            return (result, took)
        }
        let error = #expect(throws: BusinessError.self) { try outcome.0.get() }
        #expect(error?.code == "request_in_progress" && error?.kind == .conflict && error?.retryAfter == .seconds(1))
        #expect(outcome.1 >= .milliseconds(1900) && outcome.1 < .seconds(4))
        try first.script("rollback")
    }

    @Test func `the body has the connection's usual lock timeout`() async throws {
        let connection = try prepared()
        let usual: String = try connection.run(.once("select current_setting('lock_timeout') as t")).only()("t")
        try connection.transaction { connection in
            _ = try Self.idempotency.run(Self.request(), on: connection) {
                let inside: String = try connection.run(.once("select current_setting('lock_timeout') as t")).only()("t")
                #expect(inside == usual)
                return Self.answer("x")
            }
        }
        #expect(try connection.run(.once("select current_setting('lock_timeout') as t")).only()("t") == usual)
    }

    @Test func `twenty at once have one effect and one answer`() async throws {
        try prepared().script("select 1")
        let database = Database(try TestDatabase.current.settings, lanes: 8, name: "idempotency")
        defer { database.stop() }
        let bodies = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for index in 0..<20 {
                group.addTask {
                    try await database.transaction { connection in
                        try Self.idempotency.run(Self.request(), on: connection) {
                            try connection.run(.once("insert into effects values ($1)"), index)
                            return Self.answer("\(index)")
                        }
                    }.body
                }
            }
            return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
        }
        #expect(bodies.count == 1)
        #expect(try effects(TestDatabase.current.connect()) == 1)
    }

    @Test func `old records are swept`() async throws {
        let connection = try prepared()
        try run(Self.request(), connection)
        #expect(try Self.idempotency.sweep(madeBefore: .now - .seconds(86_400), on: connection) == 0)
        #expect(try Self.idempotency.sweep(madeBefore: .now + .seconds(1), on: connection) == 1)
        #expect(try !run(Self.request(), connection).replayed)
    }

    private func prepared() throws -> Connection {
        let connection = try TestDatabase.current.connect()
        try connection.script("create table effects (n integer)")
        return connection
    }

    private func effects(_ connection: Connection) throws -> Int {
        try connection.run(.once("select count(*) as n from effects")).only()("n")
    }

    @discardableResult
    private func run(_ request: IdempotentRequest, _ connection: Connection, status: Int = 202) throws -> StoredResponse {
        try connection.transaction { try Self.idempotency.run(request, on: $0) { Self.answer("x", status: status) } }
    }
}
