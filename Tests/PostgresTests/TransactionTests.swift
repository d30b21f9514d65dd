import Glibc
import Postgres
import TestSupport
import Testing

/// How a failed precondition ends the process; a thrown error would end it differently.
#if arch(x86_64)
private let trap = ExitTest.Condition.signal(SIGILL)
#else
private let trap = ExitTest.Condition.signal(SIGTRAP)
#endif

private struct Refusal: Error {}

@Suite(.database) struct TransactionTests {
    /// A table whose commit ends the session: a deferred constraint trigger runs inside COMMIT.
    static let fatalCommit = """
        CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
        CREATE TABLE fatal (id int);
        CREATE CONSTRAINT TRIGGER fatal AFTER INSERT ON fatal DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION end_session();
        """

    private func count(_ connection: Connection) throws -> Int {
        try connection.run(Statement("test.count", "SELECT count(*) FROM t")).only()("count")
    }

    @Test func `what the body did is kept when it returns and gone when it throws`() async throws {
        try await withConnection { connection in
            try connection.script("CREATE TABLE t (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
            let answer = try connection.transaction { connection in
                #expect(connection.isInTransaction)
                try connection.run(.once("INSERT INTO t VALUES (1)"))
                return 42
            }
            #expect(answer == 42)
            #expect(!connection.isInTransaction)
            thrown(Refusal.self) {
                try connection.transaction { connection in
                    try connection.run(.once("INSERT INTO t VALUES (2)"))
                    throw Refusal()
                }
            }
            #expect(!connection.isInTransaction)
            #expect(try count(connection) == 1)
            let deferred = postgresError { try connection.transaction { connection in try connection.run(.once("INSERT INTO t VALUES (1)")) } }
            #expect(deferred?.kind == .uniqueViolation(constraint: "t_id_key"))
            #expect(try count(connection) == 1)
        }
    }

    @Test func `a swallowed error is not a commit`() async throws {
        try await withConnection { connection in
            try connection.script("CREATE TABLE t (id int)")
            let error = postgresError {
                try connection.transaction { connection in
                    try connection.run(.once("INSERT INTO t VALUES (1)"))
                    _ = try? connection.run(.once("SELECT 1 / 0"))
                }
            }
            #expect(error?.sqlState == "25P02")
            #expect(!connection.isInTransaction)
            #expect(try count(connection) == 0)
        }
    }

    @Test func `a savepoint undoes its own part, at any depth`() async throws {
        try await withConnection { connection in
            try connection.script("CREATE TABLE t (id int)")
            let insert = Statement("t.insert", "INSERT INTO t VALUES ($1)")
            try connection.transaction { connection in
                try connection.run(insert, 1)
                try connection.savepoint {
                    try connection.run(insert, 2)
                    thrown(PostgresError.self) {
                        try connection.savepoint {
                            try connection.run(insert, 3)
                            try connection.run(.once("SELECT 1 / 0"))
                        }
                    }
                    try connection.run(insert, 4)
                }
                thrown(Refusal.self) {
                    try connection.savepoint {
                        try connection.run(insert, 5)
                        try connection.savepoint { try connection.run(insert, 6) }
                        throw Refusal()
                    }
                }
                try connection.savepoint { try connection.run(insert, 7) }
            }
            let ids: [Int] = try connection.run(.once("SELECT array_agg(id ORDER BY id) AS ids FROM t")).only()("ids")
            #expect(ids == [1, 2, 4, 7])
        }
    }

    @Test func `a connection that is lost during COMMIT leaves the outcome unknown`() async throws {
        try await withConnection { connection in
            try connection.script(Self.fatalCommit)
            let error = postgresError { try connection.transaction { connection in try connection.run(.once("INSERT INTO fatal VALUES (1)")) } }
            #expect(error?.kind == .commitUnknown)
            #expect(error?.isConnectionLoss == true)
            #expect(error?.isTransient == false)
            #expect(!connection.isUsable)
        }
    }

    @Test func `a connection that is lost before COMMIT is just lost`() async throws {
        try await withConnection { connection in
            let error = postgresError {
                try connection.transaction { connection in try connection.run(.once("SELECT pg_terminate_backend(pg_backend_pid())")) }
            }
            #expect(error?.kind == .connectionLost)
        }
    }

    @Test func `transactions do not nest`() async {
        await #expect(processExitsWith: trap) {
            let connection = try Connection(ConnectionSettings(url: TestServers.postgres()))
            try connection.transaction { connection in try connection.transaction { _ in } }
        }
    }

    // MARK: - What waits for the next statement

    @Test func `a transaction without a statement never reaches the server`() async throws {
        try await withConnection { connection in
            try connection.script("SELECT 1")
            let observer = try Connection(connection.settings)
            let before = try lastQuery(of: connection, seenBy: observer)
            let value = try connection.transaction { connection in
                try connection.savepoint { #expect(connection.isInTransaction) }
                thrown(Refusal.self) { try connection.savepoint { throw Refusal() } }
                return 7
            }
            #expect(value == 7)
            #expect(!connection.isInTransaction)
            #expect(try lastQuery(of: connection, seenBy: observer) == before)
        }
    }

    /// What the session ran last, and when, in the server's words.
    private func lastQuery(of connection: Connection, seenBy observer: Connection) throws -> String {
        try observer.run(
            .once("SELECT concat_ws(' ', query_start, state, query) AS last FROM pg_stat_activity WHERE pid = $1"), connection.backendProcessID
        ).only()("last")
    }

    @Test func `a savepoint whose connection has broken says so, whatever its body failed of`() async throws {
        try await withConnection { connection in
            let error = postgresError {
                try connection.transaction { connection in
                    try connection.savepoint {
                        try connection.run(.once("SELECT 1"))
                        thrown(PostgresError.self) { try connection.run(.once("SELECT pg_terminate_backend(pg_backend_pid())")) }
                        throw Refusal()
                    }
                }
            }
            #expect(error?.kind == .connectionLost)
        }
    }

    @Test func `a savepoint that fails before its first statement leaves the transaction whole`() async throws {
        try await withConnection { connection in
            try connection.script("CREATE TABLE t (id int)")
            let insert = Statement("t.insert", "INSERT INTO t VALUES ($1)")
            try connection.transaction { connection in
                try connection.run(insert, 1)
                thrown(Refusal.self) { try connection.savepoint { throw Refusal() } }
                try connection.savepoint {
                    thrown(PostgresError.self) { try connection.savepoint { try connection.run(.once("SELECT 1 / 0")) } }
                    thrown(PostgresError.self) { try connection.savepoint { try connection.run(.once("SELECT * FROM nowhere")) } }
                    try connection.savepoint { try connection.run(insert, 2) }
                }
                thrown(PostgresError.self) {
                    try connection.savepoint {
                        try connection.savepoint { try connection.run(insert, 3) }
                        try connection.run(insert, "no number")
                    }
                }
                let swallowed = postgresError {
                    try connection.savepoint {
                        try connection.run(insert, 5)
                        try? connection.script("SELECT 1 / 0")
                    }
                }
                #expect(swallowed?.sqlState == "25P02")
                thrown(PostgresError.self) {
                    try connection.savepoint {
                        try connection.run(insert, 4)
                        try connection.run(.once("SELECT 1 / 0"))
                    }
                }
            }
            #expect(try count(connection) == 2)
        }
    }

    @Test func `a statement that fails first in its transaction fails the transaction`() async throws {
        try await withConnection { connection in
            try connection.script("CREATE TABLE t (id int)")
            let divide = Statement("test.divide", "SELECT 1 / $1::int AS one")
            try connection.run(divide, 1)
            let error = postgresError { try connection.transaction { connection in try connection.run(divide, 0) } }
            #expect(error?.sqlState == "22012")
            #expect(error?.statement == "test.divide")
            #expect(!connection.isInTransaction && connection.isUsable)
            let swallowed = postgresError { try connection.transaction { connection in _ = try? connection.run(divide, 0) } }
            #expect(swallowed?.sqlState == "25P02")
            let copied = try connection.transaction { connection in
                try connection.copyIn(.once("COPY t FROM STDIN"), rows: [[1]])
            }
            #expect(copied == 1)
        }
    }
}
