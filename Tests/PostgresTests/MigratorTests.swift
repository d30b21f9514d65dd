import Postgres
import TestSupport
import Testing

@Suite(.database) struct MigratorTests {
    private static let first = Migration(
        number: 1, name: "accounts", sql: "CREATE TABLE accounts (id int PRIMARY KEY); INSERT INTO accounts VALUES (1)")
    private static let second = Migration(number: 2, name: "names", sql: "ALTER TABLE accounts ADD name text")

    private func migrationError<R>(_ body: () throws -> R) -> MigrationError? { thrown(MigrationError.self) { _ = try body() } }

    @Test func `pending migrations are applied once, in order`() async throws {
        try await withConnection { connection in
            let one = try Migrator([Self.first])
            #expect(try one.pending(connection) == [Self.first])
            #expect(try one.apply(connection) == [Self.first])
            let both = try Migrator([Self.second, Self.first])
            #expect(try both.pending(connection) == [Self.second])
            #expect(try both.apply(connection) == [Self.second])
            #expect(try both.apply(connection) == [])
            let names = try connection.run(.once("SELECT name FROM schema_migrations ORDER BY number")).map { try $0("name") as String }
            #expect(names == ["accounts", "names"])
            // The session is as it was.
            let timeouts: String = try connection.run(
                .once("SELECT current_setting('statement_timeout') || ' ' || current_setting('lock_timeout') AS both")
            ).only()("both")
            #expect(timeouts == "30s 5s")
            #expect(try connection.run(.once("SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")).isEmpty)
            // An older program finds more than it knows, and that is no error.
            #expect(try one.apply(connection) == [])
        }
    }

    @Test func `several processes may migrate at once`() async throws {
        let migrator = try Migrator([Self.first, Self.second])
        let database = try TestDatabase.current.lanes(4)
        defer { database.stop() }
        let applied = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 { group.addTask { try await database.run { try migrator.apply($0).count } } }
            return try await group.reduce(0, +)
        }
        #expect(applied == 2)
    }

    @Test func `a changed migration is refused before anything happens`() async throws {
        try await withConnection { connection in
            try Migrator([Self.first]).apply(connection)
            let changed = try Migrator([Migration(number: 1, name: "accounts", sql: Self.first.sql + " "), Self.second])
            let error = migrationError { try changed.apply(connection) }
            #expect(error?.kind == .changed)
            #expect(error?.description == "migration 1: accounts was changed after it was applied; add a new migration instead")
            #expect(try connection.run(.once("SELECT * FROM schema_migrations")).count == 1)
        }
    }

    @Test func `numbers are unique and grow`() async throws {
        let error = migrationError { _ = try Migrator([Self.first, Migration(number: 1, name: "other", sql: "")]) }
        #expect(error?.kind == .duplicate)
        try await withConnection { connection in
            try Migrator([Self.second, Migration(number: 1, name: "base", sql: "CREATE TABLE accounts ()")]).apply(connection)
            let late = try Migrator([
                Self.second, Migration(number: 0, name: "late", sql: "SELECT 1"), Migration(number: 1, name: "base", sql: "CREATE TABLE accounts ()"),
            ])
            let error1 = migrationError { try late.apply(connection) }
            #expect(error1?.kind == .outOfOrder)
        }
    }

    @Test func `a failing migration leaves the earlier ones and nothing of itself`() async throws {
        try await withConnection { connection in
            let broken = Migration(number: 2, name: "broken", sql: "CREATE TABLE half (); SELECT 1 / 0")
            let error = migrationError { try Migrator([Self.first, broken]).apply(connection) }
            #expect(error?.kind == .failed)
            #expect(error?.number == 2)
            #expect(!connection.isInTransaction)
            let error2 = postgresError { try connection.run(.once("SELECT * FROM half")) }
            #expect(error2?.kind == .undefinedObject)
            let pending = try Migrator([Self.first, Self.second]).pending(connection)
            #expect(pending == [Self.second])
        }
    }

    @Test func `a migration must stay in its transaction`() async throws {
        try await withConnection { connection in
            let sneaky = Migration(number: 1, name: "sneaky", sql: "CREATE TABLE kept (); COMMIT")
            let error3 = migrationError { try Migrator([sneaky]).apply(connection) }
            #expect(error3?.kind == .failed)
            #expect(connection.isUsable)
        }
    }

    @Test func `the fingerprint is FNV-1a`() {
        // The test vector of the FNV reference: "foobar".
        #expect(Migration(number: 1, name: "", sql: "foobar").checksum == "85944171f73967e8")
        #expect(Migration(number: 1, name: "", sql: "").checksum == "cbf29ce484222325")
    }
}
