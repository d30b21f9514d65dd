import Lanes
import Postgres
import Synchronization
import TestSupport
import Testing

@Suite(.database) struct DatabaseTests {
    private static let processID = Statement("test.pid", "SELECT pg_backend_pid() AS pid")

    private static func pid(_ connection: Connection) throws -> Int { try connection.run(processID).only()("pid") }

    @Test func `lanes keep their connections`() async throws {
        let database = try TestDatabase.current.lanes(2)
        defer { database.stop() }
        var seen: Set<Int> = []
        for _ in 0..<20 { seen.insert(try await database.run(Self.pid)) }
        #expect(seen.count <= 2)
    }

    @Test func `work runs on as many lanes as there are`() async throws {
        let database = try TestDatabase.current.lanes(2)
        defer { database.stop() }
        // Each waits for a lock that the other takes: with one lane this would end in the lock's timeout.
        try await database.run { try $0.script("CREATE TABLE t (id int)") }
        async let first = database.run { connection in try meet(connection, 1, 2) }
        async let second = database.run { connection in try meet(connection, 2, 1) }
        _ = try await (first, second)
    }

    @Test func `an idle connection that was closed is replaced unseen`() async throws {
        let database = try TestDatabase.current.lanes(1)
        defer { database.stop() }
        let old = try await database.run(Self.pid)
        try await withConnection { _ = try $0.run(.once("SELECT pg_terminate_backend($1, 5000)"), old) }
        let new = try await database.run(Self.pid)
        #expect(new != old)
    }

    @Test func `a lost connection fails the work that used it and no other`() async throws {
        let database = try TestDatabase.current.lanes(1)
        defer { database.stop() }
        let counter = Counter()
        let lost = await postgresError {
            try await database.run { connection in
                counter.increment()
                try connection.run(.once("SELECT pg_terminate_backend(pg_backend_pid())"))
            }
        }
        #expect(lost?.kind == .connectionLost)
        #expect(counter.value == 1)
        #expect(try await database.run(Self.pid) > 0)
    }

    @Test func `a transaction that lost its connection before COMMIT is run once more`() async throws {
        let database = try TestDatabase.current.lanes(1)
        defer { database.stop() }
        let counter = Counter()
        try await database.run { try $0.script("CREATE TABLE t (id int)") }
        try await database.transaction { connection in
            try connection.run(.once("INSERT INTO t VALUES (1)"))
            if counter.increment() == 1 { try connection.run(.once("SELECT pg_terminate_backend(pg_backend_pid())")) }
        }
        #expect(counter.value == 2)
        let rows = try await database.run { try $0.run(.once("SELECT * FROM t")).count }
        #expect(rows == 1)
        let again = Counter()
        let lost = await postgresError {
            try await database.transaction { connection in
                again.increment()
                try connection.run(.once("SELECT pg_terminate_backend(pg_backend_pid())"))
            }
        }
        #expect(lost?.kind == .connectionLost)
        #expect(again.value == 2)
    }

    @Test func `an unknown commit is not repeated`() async throws {
        let database = try TestDatabase.current.lanes(1)
        defer { database.stop() }
        let counter = Counter()
        try await database.run { try $0.script(TransactionTests.fatalCommit) }
        let unknown = await postgresError {
            try await database.transaction { connection in
                counter.increment()
                try connection.run(.once("INSERT INTO fatal VALUES (1)"))
            }
        }
        #expect(unknown?.kind == .commitUnknown)
        #expect(counter.value == 1)
        #expect(try await database.run(Self.pid) > 0)
    }

    @Test func `conflicts are tried again three times`() async throws {
        let database = try TestDatabase.current.lanes(1)
        defer { database.stop() }
        for (state, calls) in [("40001", 4), ("40P01", 4), ("23505", 1)] {
            let counter = Counter()
            let error = await postgresError {
                try await database.transaction { connection in
                    counter.increment()
                    try connection.script("DO $$ BEGIN RAISE SQLSTATE '\(state)'; END $$")
                }
            }
            #expect(error?.sqlState == state)
            #expect(counter.value == calls)
        }
        let counter = Counter()
        let answer = try await database.transaction { connection in
            if counter.increment() < 3 { try connection.script("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$") }
            return "done"
        }
        #expect(answer == "done")
        #expect(counter.value == 3)
    }

    @Test func `counting in serializable transactions loses nothing`() async throws {
        let database = try TestDatabase.current.lanes(3)
        defer { database.stop() }
        try await database.run { try $0.script("CREATE TABLE t (n int); INSERT INTO t VALUES (0)") }
        let done = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<30 {
                group.addTask {
                    do {
                        try await database.transaction { connection in
                            try connection.script("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
                            let n: Int = try connection.run(Statement("t.get", "SELECT n FROM t")).only()("n")
                            try connection.run(Statement("t.set", "UPDATE t SET n = $1"), n + 1)
                        }
                        return 1
                    } catch let error as PostgresError where error.kind == .serializationFailure {
                        return 0
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        let counted = try await database.run { connection -> Int in try connection.run(.once("SELECT n FROM t")).only()("n") }
        #expect(counted == done)
        #expect(done > 0)
    }

    @Test func `a transaction that was left open is rolled back`() async throws {
        let database = try TestDatabase.current.lanes(1)
        defer { database.stop() }
        try await database.run { connection in
            try connection.script("CREATE TABLE t (id int)")
            try connection.script("BEGIN; INSERT INTO t VALUES (1)")
        }
        let rows = try await database.run { connection in
            #expect(!connection.isInTransaction)
            return try connection.run(.once("SELECT * FROM t")).count
        }
        #expect(rows == 0)
        let failed = await postgresError {
            try await database.run { connection in
                try connection.script("BEGIN; INSERT INTO t VALUES (1)")
                try connection.script("SELECT 1 / 0")
            }
        }
        #expect(failed?.kind == .invalidInput)
        let isInTransaction = try await database.run { $0.isInTransaction }
        #expect(!isInTransaction)
        // A COPY that nobody finishes is ended as well.
        let copy = await postgresError { try await database.run { try $0.script("COPY t FROM STDIN") } }
        #expect(copy?.kind == .invalidInput)
        #expect(try await database.run(Self.pid) > 0)
    }

    @Test func `while the server is away callers fail soon and cheaply`() async throws {
        let listener = try SilentListener()
        var settings = try ConnectionSettings(url: "postgresql://ann@127.0.0.1:\(listener.port)/db")
        settings.connectTimeout = .milliseconds(30)
        let database = Database(settings, lanes: 1, name: "test", patience: .milliseconds(40))
        defer { database.stop() }
        for _ in 0..<50 {
            let error = await postgresError { try await database.run { _ in } }
            #expect(error?.kind == .unreachable)
        }
        // The pauses soon grow past the patience; without them, there would be an attempt for each call.
        #expect(listener.newConnections() < 10)
    }

    @Test func `a server that comes back is found again`() async throws {
        let database = try TestDatabase.current.lanes(1)
        defer { database.stop() }
        let name = TestDatabase.current.name
        _ = try await database.run(Self.pid)
        let administrator = try Database(ConnectionSettings(url: TestServers.postgres()), lanes: 1, name: "test")
        defer { administrator.stop() }
        try await administrator.run { connection in
            try connection.script("ALTER DATABASE \(name) ALLOW_CONNECTIONS false")
            try connection.run(.once("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1"), name)
        }
        let away = await postgresError { try await database.run(Self.pid) }
        #expect(away?.isTransient == true)
        try await administrator.run { try $0.script("ALTER DATABASE \(name) ALLOW_CONNECTIONS true") }
        let deadline = ContinuousClock.now + .seconds(10)
        var pid: Int?
        while pid == nil, ContinuousClock.now < deadline { pid = try? await database.run(Self.pid) }
        #expect(pid != nil)
    }

    @Test func `after stop nothing runs`() async throws {
        let database = try TestDatabase.current.lanes(2)
        _ = try await database.run(Self.pid)
        database.stop()
        let stopped = await postgresError { try await database.run(Self.pid) }
        #expect(stopped?.kind == .shuttingDown)
        #expect(database.join(timeout: .seconds(10)))
        #expect(database.waiting == 0)
    }
}

/// Takes one advisory lock and waits until somebody else holds the other.
private func meet(_ connection: Connection, _ own: Int, _ other: Int) throws {
    try connection.run(.once("SELECT pg_advisory_lock($1)"), own)
    try eventually {
        let seen = try connection.run(
            .once(
                """
                SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                """), other)
        return seen.count > 0
    }
    try eventually { try meetingIsOver(connection, own) }
}

/// Both have seen each other: the second mark is set by who saw the first.
private func meetingIsOver(_ connection: Connection, _ own: Int) throws -> Bool {
    try connection.run(.once("INSERT INTO t SELECT $1 WHERE NOT EXISTS (SELECT FROM t WHERE id = $1)"), own)
    return try connection.run(.once("SELECT FROM t")).count == 2
}

private final class Counter: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .relaxed) }

    @discardableResult
    func increment() -> Int { count.add(1, ordering: .relaxed).newValue }
}
