import Bytes
import Lanes
import Postgres
import TestSupport
import Testing

@Suite(.database) struct ConnectionTests {
    @Test func `a statement is prepared once, under its name`() async throws {
        try await withConnection { connection in
            let add = Statement("sums.add", "SELECT $1::int + $2::int AS sum")
            for number in 0..<10 {
                let sum: Int = try connection.run(add, number, 1).only()("sum")
                #expect(sum == number + 1)
            }
            let seen = try connection.run(
                .once("SELECT name, generic_plans + custom_plans AS runs FROM pg_prepared_statements WHERE name <> ''"))
            let name: String = try seen.only()("name")
            let runs: Int = try seen.only()("runs")
            #expect(name == "sums.add")
            #expect(runs == 10)
        }
    }

    @Test func `a first bind of NULL does not decide the type`() async throws {
        try await withConnection { connection in
            try connection.script("CREATE TABLE t (small int2, note text)")
            let insert = Statement("t.insert", "INSERT INTO t VALUES ($1, $2)")
            try connection.run(insert, nil, nil)
            try connection.run(insert, 7, "seven")
            let rows = try connection.run(.once("SELECT small, note FROM t ORDER BY small NULLS FIRST"))
            #expect(rows.count == 2)
            let none: Int? = try rows[0]("small")
            let small: Int? = try rows[1]("small")
            let note: String? = try rows[1](1)
            #expect(none == nil)
            #expect(small == 7)
            #expect(note == "seven")
        }
    }

    @Test func `names that differ late or in text only are different statements`() async throws {
        try await withConnection { connection in
            let long = String(repeating: "x", count: 70)
            for number in 0..<3 {
                let value: Int = try connection.run(Statement(long + "\(number)", "SELECT \(number) AS value")).only()("value")
                #expect(value == number)
            }
            for number in [0, 1, 0] {
                let value: Int = try connection.run(Statement("same", "SELECT \(number) AS value")).only()("value")
                #expect(value == number)
            }
        }
    }

    @Test func `a plan that went stale is prepared anew`() async throws {
        try await withConnection { connection in
            try connection.script("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
            let all = Statement("t.all", "SELECT * FROM t")
            #expect(try connection.run(all).columns == ["a"])
            try connection.script("ALTER TABLE t ADD b int")
            #expect(try connection.run(all).columns == ["a", "b"])
            try connection.script("DEALLOCATE ALL")
            #expect(try connection.run(all).columns == ["a", "b"])
            try connection.script("ALTER TABLE t ADD c int")
            let inside = postgresError { try connection.transaction { connection in try connection.run(all) } }
            #expect(inside?.kind == .stalePlan)
            #expect(inside?.isTransient == true)
            let columns = try connection.transaction { connection in try connection.run(all).columns }
            #expect(columns == ["a", "b", "c"])
        }
    }

    @Test(arguments: ["'; DROP TABLE t; --", "$1", "\\'; DROP TABLE t", "\" OR 1=1", "{\"a\"}", "NULL", "\\N"])
    func `hostile strings are data`(_ text: String) async throws {
        try await withConnection { connection in
            try connection.script("CREATE TABLE t (value text, list text[])")
            try connection.run(.once("INSERT INTO t VALUES ($1, $2)"), text, [text, nil, text])
            try connection.run(.once("SELECT \(connection.quotedLiteral(text)), 1 AS \(connection.quotedIdentifier(text))"))
            let row = try connection.run(.once("SELECT * FROM t WHERE value = $1 AND $1 = ANY (list)"), text).only()
            let value: String = try row("value")
            let list: [String?] = try row("list")
            #expect(value == text)
            #expect(list == [text, nil, text])
        }
    }

    @Test func `wrong binds and wrong columns are explained`() async throws {
        try await withConnection { connection in
            let statement = Statement("test.plain", "SELECT $1::uuid AS id, 'x'::text AS note, NULL::int AS nothing")
            let id = Identifier.next()
            let tooFew = postgresError { try connection.run(statement) }
            #expect(tooFew?.description == "test.plain: the statement has 1 parameters, 0 were given")
            let wrongType = postgresError { try connection.run(statement, 5) }
            #expect(wrongType?.kind == .invalidInput)
            #expect(wrongType?.message.contains("$1 is a Int, the statement wants uuid") == true)
            let row = try connection.run(statement, id).only()
            let missing = postgresError { let _: Int = try row("absent") }
            #expect(missing?.description == "test.plain: the result has no column absent")
            let wrong = postgresError { let _: Int = try row("note") }
            #expect(wrong?.description == "test.plain: column note (text) read as Int has another type")
            #expect(wrong?.column == "note")
            let null = postgresError { let _: Int = try row("nothing") }
            #expect(null?.kind == .decoding)
            let numbered = postgresError { let _: Int = try row(3) }
            #expect(numbered?.kind == .decoding)
            // The connection is as good as before.
            #expect(connection.isUsable)
            #expect(try connection.run(.once("SELECT 1")).count == 1)
        }
    }

    @Test func `affected rows are counted`() async throws {
        try await withConnection { connection in
            try connection.script("CREATE TABLE t (id int)")
            #expect(try connection.run(.once("INSERT INTO t SELECT generate_series(1, 7)")).affected == 7)
            #expect(try connection.run(.once("UPDATE t SET id = id WHERE id < 4")).affected == 3)
            #expect(try connection.run(.once("DELETE FROM t WHERE id > 100")).affected == 0)
            #expect(try connection.run(.once("INSERT INTO t VALUES (8), (9) RETURNING id")).affected == 2)
            #expect(try connection.run(.once("")).isEmpty)
        }
    }

    @Test func `a hundred thousand rows are read in a moment`() async throws {
        try await withConnection { connection in
            let rows = try connection.run(.once("SELECT i::int8 AS id, 'row ' || i AS note FROM generate_series(1, 100000) AS i"))
            let start = ContinuousClock.now
            var sum = 0
            var letters = 0
            for row in rows {
                let id: Int = try row("id")
                let note: String = try row("note")
                sum += id
                letters += note.utf8.count
            }
            #expect(sum == 5_000_050_000)
            #expect(letters == 888_895)
            // 0.2 s in a debug build on two busy cores; quadratic code would take minutes.
            #expect(ContinuousClock.now - start < .seconds(10))
        }
    }

    @Test func `notices go to the closure`() async throws {
        try await withConnection { connection in
            var notices: [Notice] = []
            try connection.script("DO $$ BEGIN RAISE NOTICE 'dropped'; END $$")
            connection.onNotice = { notices.append($0) }
            try connection.script("DO $$ BEGIN RAISE WARNING 'heard'; END $$")
            connection.onNotice = nil
            #expect(notices.map(\.message) == ["heard"])
            #expect(notices.first?.severity == "WARNING")
        }
    }

    @Test func `a terminated session is lost, and reset makes a new one`() async throws {
        let settings = try TestDatabase.current.settings
        try await withConnection { connection in
            let statement = Statement("test.one", "SELECT 1 AS one")
            try connection.run(statement)
            let old = connection.backendProcessID
            try Connection(settings).run(.once("SELECT pg_terminate_backend($1, 5000)"), Int(old))
            let error = postgresError { try connection.run(statement) }
            #expect(error?.kind == .connectionLost)
            #expect(error?.isConnectionLoss == true)
            #expect(!connection.isUsable)
            #expect(!connection.isInTransaction)
            let error1 = postgresError { try connection.run(statement) }
            #expect(error1?.kind == .connectionLost)
            try connection.reset()
            #expect(connection.isUsable)
            #expect(connection.backendProcessID != old)
            let one: Int = try connection.run(statement).only()("one")
            #expect(one == 1)
        }
    }

    @Test func `another thread cancels a statement`() async throws {
        let settings = try TestDatabase.current.settings
        try await withConnection { connection in
            let handle = try connection.cancelHandle()
            let sleeper = connection.backendProcessID
            let thread = Thread("canceller") {
                do {
                    let watcher = try Connection(settings)
                    try eventually {
                        try watcher.run(.once("SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'"), Int(sleeper)).count == 1
                    }
                    try handle.cancel()
                } catch {
                    Issue.record(error)
                }
            }
            let error = postgresError { try connection.run(.once("SELECT pg_sleep(20)")) }
            thread.join()
            #expect(error?.kind == .cancelled)
            #expect(error?.isTransient == false)
            #expect(try connection.run(.once("SELECT 1")).count == 1)
        }
    }

    @Test func `timeouts of the settings hold in the session`() async throws {
        try await withConnection({ settings in
            settings.applicationName = "millrace tests"
            settings.statementTimeout = .milliseconds(1500)
            settings.lockTimeout = .microseconds(1)
            settings.idleInTransactionTimeout = .zero
        }) { connection in
            let row = try connection.run(
                .once(
                    """
                    SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock,
                        current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('application_name') AS name,
                        current_setting('TimeZone') AS zone
                    """)
            ).only()
            let all: [String] = [try row("statement"), try row("lock"), try row("idle"), try row("name"), try row("zone")]
            #expect(all == ["1500ms", "1ms", "0", "millrace tests", "UTC"])
        }
    }
}
