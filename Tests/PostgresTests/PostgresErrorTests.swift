import Lanes
import Postgres
import TestSupport
import Testing

/// Every kind of error, provoked at the real server.
@Suite(.database) struct PostgresErrorTests {
    private func provoke(
        _ sql: String, setUp: String = "", _ change: @Sendable (inout ConnectionSettings) -> Void = { _ in }
    ) async throws -> PostgresError? {
        try await withConnection(change) { connection in
            try connection.script(setUp)
            return postgresError { try connection.run(Statement("test.provoke", sql)) }
        }
    }

    private let tables = """
        CREATE TABLE parents (id int PRIMARY KEY, size int CONSTRAINT size_positive CHECK (size > 0), name text NOT NULL DEFAULT '');
        CREATE TABLE children (parent int CONSTRAINT children_parent REFERENCES parents);
        INSERT INTO parents VALUES (1, 1);
        """

    @Test func `violated constraints are named`() async throws {
        #expect(try await provoke("INSERT INTO parents VALUES (1, 1)", setUp: tables)?.kind == .uniqueViolation(constraint: "parents_pkey"))
    }

    @Test func `violated checks, references and nulls`() async throws {
        let tables = tables
        try await withConnection { connection in
            try connection.script(tables)
            let check = postgresError { try connection.run(.once("INSERT INTO parents VALUES (2, 0)")) }
            #expect(check?.kind == .checkViolation(constraint: "size_positive"))
            #expect(check?.constraint == "size_positive")
            let reference = postgresError { try connection.run(.once("INSERT INTO children VALUES (7)")) }
            #expect(reference?.kind == .foreignKeyViolation(constraint: "children_parent"))
            let null = postgresError { try connection.run(.once("INSERT INTO parents VALUES (2, 1, NULL)")) }
            #expect(null?.kind == .notNullViolation)
            #expect(null?.column == "name")
            for error in [check, reference, null] { #expect(error?.isTransient == false) }
        }
    }

    @Test func `a partition that is attached meanwhile is a conflict and no violation`() async throws {
        let settings = try TestDatabase.current.settings
        let attaching = Database(settings, lanes: 1, name: "attaching")
        defer { attaching.stop() }
        try await withConnection { connection in
            try connection.script(
                """
                CREATE TABLE events (day int) PARTITION BY RANGE (day);
                CREATE TABLE events_default PARTITION OF events DEFAULT;
                CREATE TABLE events_1 (day int);
                """)
        }
        try await attaching.run { attacher in
            try attacher.script("BEGIN; ALTER TABLE events ATTACH PARTITION events_1 FOR VALUES FROM (1) TO (2)")
            let inserting = Mailbox<PostgresError?>()
            let thread = Thread("inserter") {
                inserting.put(postgresError { try Connection(settings).run(.once("INSERT INTO events VALUES (1)")) })
            }
            // A look from within the transaction would always see the same.
            try waitUntilBlocked(Connection(settings))
            try attacher.script("COMMIT")
            let error = inserting.take() ?? nil
            #expect(error?.sqlState == "23514")
            #expect(error?.kind == .serializationFailure)
            _ = thread.join()
        }
    }

    @Test func `an error names its statement and state and no data`() async throws {
        try await withConnection { connection in
            let error = postgresError { try connection.run(Statement("test.secret", "SELECT $1::int"), "my secret") }
            #expect(error?.kind == .invalidInput)
            #expect(error?.statement == "test.secret")
            #expect(error?.sqlState == "22P02")
            #expect(error?.description.contains("secret\"") == false)
            #expect(error?.description.contains("my secret") == false)
            try connection.script("CREATE TABLE mails (address text UNIQUE); INSERT INTO mails VALUES ('ann@example.org')")
            let twice = postgresError { try connection.run(.once("INSERT INTO mails VALUES ($1)"), "ann@example.org") }
            #expect(twice?.description.contains("ann@") == false)
        }
    }

    @Test(arguments: ["SELECT * FROM nowhere", "SELECT nothing", "SELECT no_function()", "SELECT 1::no_type"])
    func `what is not there is undefined`(_ sql: String) async throws {
        #expect(try await provoke(sql)?.kind == .undefinedObject)
    }

    @Test func `a role without the right has insufficient privilege`() async throws {
        let error = try await provoke(
            "SELECT * FROM pg_authid",
            setUp:
                "SET ROLE pg_signal_backend")
        #expect(error?.kind == .insufficientPrivilege)
    }

    @Test func `a read-only transaction refuses writes`() async throws {
        let error = try await provoke("CREATE TABLE t ()", setUp: "SET default_transaction_read_only = on")
        #expect(error?.kind == .readOnly)
    }

    @Test func `a statement that runs too long is stopped`() async throws {
        let error = try await provoke("SELECT pg_sleep(30)") { $0.statementTimeout = .milliseconds(20) }
        #expect(error?.kind == .statementTimeout)
        #expect(error?.isTransient == true)
    }

    @Test func `a lock that is not free in time`() async throws {
        let settings = try TestDatabase.current.settings
        try await withConnection { holder in
            try holder.script("CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
            var impatient = settings
            impatient.lockTimeout = .milliseconds(20)
            let waiter = try Connection(impatient)
            try holder.transaction { holder in
                try holder.script("UPDATE t SET id = 2")
                let waited = postgresError { try waiter.run(.once("UPDATE t SET id = 3")) }
                #expect(waited?.kind == .lockTimeout)
                let refused = postgresError { try waiter.run(.once("SELECT * FROM t FOR UPDATE NOWAIT")) }
                #expect(refused?.kind == .lockTimeout)
            }
        }
    }

    @Test func `an open transaction may not idle for ever`() async throws {
        try await withConnection({ $0.idleInTransactionTimeout = .milliseconds(20) }) { connection in
            try connection.script("BEGIN")
            _ = postgresError { _ = try connection.notifications(timeout: .seconds(20)) }
            let error = postgresError { try connection.run(.once("SELECT 1")) }
            #expect(error?.kind == .connectionLost)
            #expect(!connection.isUsable)
        }
    }

    @Test func `two transactions that wait for each other deadlock, and one goes on`() async throws {
        let database = try TestDatabase.current.lanes(1)
        let settings = try TestDatabase.current.settings
        try await withConnection { connection in
            try connection.script("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0)")
            let first = try Connection(settings)
            try first.script("SET deadlock_timeout = '1ms'; BEGIN; UPDATE t SET n = n + 1 WHERE id = 1")
            let second = Outcome<PostgresError?>()
            let thread = Thread("second") {
                second.set(
                    postgresError {
                        let own = try Connection(settings)
                        try own.script(
                            "SET deadlock_timeout = '60s'; BEGIN; UPDATE t SET n = n + 1 WHERE id = 2; UPDATE t SET n = n + 1 WHERE id = 1; COMMIT")
                        throw PostgresError(.other, message: "no deadlock")
                    })
            }
            try waitUntilBlocked(connection)
            let error = postgresError { try first.script("UPDATE t SET n = n + 1 WHERE id = 2") }
            #expect(error?.kind == .deadlock)
            #expect(error?.isTransient == true)
            try first.script("ROLLBACK")
            thread.join()
            #expect(second.value??.message == "no deadlock")
        }
        database.stop()
    }

    @Test func `concurrent serializable transactions fail one of them`() async throws {
        let settings = try TestDatabase.current.settings
        try await withConnection { first in
            try first.script("CREATE TABLE t (n int); INSERT INTO t VALUES (1)")
            let second = try Connection(settings)
            try first.script("BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT * FROM t")
            try second.script("UPDATE t SET n = 2")
            let error = postgresError { try first.run(.once("UPDATE t SET n = 3")) }
            #expect(error?.kind == .serializationFailure)
        }
    }

    @Test func `a server that is not there is unreachable, and the message names no password`() async throws {
        // Port 1 of the loopback: nobody listens.
        let settings = try ConnectionSettings(url: "postgresql://ann:geheim@127.0.0.1:1/db?sslmode=disable")
        let error = postgresError { _ = try Connection(settings) }
        #expect(error?.kind == .unreachable)
        #expect(error?.isTransient == true)
        #expect(error?.description.contains("geheim") == false)
        #expect("\(settings)" == "postgresql://ann:***@127.0.0.1:1/db")
        #expect(String(reflecting: settings).contains("geheim") == false)
        var dumped = ""
        dump(settings, to: &dumped)
        #expect(!dumped.contains("geheim"))
    }

    @Test func `refused connections tell why`() async throws {
        var settings = try TestDatabase.current.settings
        settings.database = "millrace_no_such_database"
        let missing = postgresError { _ = try Connection(settings) }
        #expect(missing?.kind == .undefinedObject)
        #expect(missing?.sqlState == "3D000")
        let admin = TestDatabase.current
        try await withConnection { connection in
            // The limit does not bind superusers: another role meets it.
            let role = "millrace_limited_\(connection.backendProcessID)"
            try connection.script("CREATE ROLE \(role) LOGIN PASSWORD 'limited' CONNECTION LIMIT 0")
            defer { try? connection.script("DROP ROLE \(role)") }
            let server = admin.url.split(separator: "@", maxSplits: 1).last ?? ""
            let url = "postgresql://\(role):limited@\(server)"
            let full = postgresError { _ = try Connection(ConnectionSettings(url: url)) }
            #expect(full?.kind == .tooManyConnections)
            #expect(full?.isTransient == true)
        }
    }

    @Test func `an unreadable URL is not repeated`() {
        let error = postgresError { _ = try ConnectionSettings(url: "postgresql://ann:geheim@[::1") }
        #expect(error?.kind == .invalidInput)
        #expect(error?.message.contains("geheim") == false)
    }

    @Test func `a server that accepts and says nothing is given up`() async throws {
        let listener = try SilentListener()
        var settings = try ConnectionSettings(url: "postgresql://ann@127.0.0.1:\(listener.port)/db")
        settings.connectTimeout = .milliseconds(50)
        let impatient = settings
        let error = postgresError { _ = try Connection(impatient) }
        #expect(error?.kind == .unreachable)
        withExtendedLifetime(listener) {}
    }
}
