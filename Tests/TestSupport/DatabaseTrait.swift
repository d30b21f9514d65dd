internal import Clocks
package import Postgres
internal import Synchronization
package import Testing

/// Gives each test, and each case of a parameterised one, a database of its own: `@Suite(.database(.template(named: "engine", migrations: all)))`.
///
/// A database is a copy of a template, so migrating costs once per server and set of migrations and not once per test. It is dropped at the end, whoever
/// is still connected; what a killed run leaves behind is dropped by a later one.
package struct DatabaseTrait: TestTrait, SuiteTrait, TestScoping {
    let template: DatabaseTemplate?

    package var isRecursive: Bool { true }

    package func provideScope(for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void) async throws {
        try await Permits.databases.withPermit {
            let database = try await TestDatabase.create(from: template)
            do {
                try await TestDatabase.$bound.withValue(database, operation: function)
            } catch {
                await database.drop()
                throw error
            }
            await database.drop()
        }
    }
}

extension Trait where Self == DatabaseTrait {
    /// An empty database.
    package static var database: DatabaseTrait { DatabaseTrait(template: nil) }

    /// A copy of the template.
    package static func database(_ template: DatabaseTemplate) -> DatabaseTrait { DatabaseTrait(template: template) }
}

/// A migrated database to copy from; built at its first use, once per server, under an advisory lock.
package struct DatabaseTemplate: Sendable {
    let name: String
    let migrations: [Migration]

    package static func template(named name: String, migrations: [Migration]) -> DatabaseTemplate {
        DatabaseTemplate(name: name, migrations: migrations)
    }

    private static let built = Mutex<Set<String>>([])

    /// The database's name; it says which migrations are inside, so a changed set is another template.
    func ensure(_ connection: Connection) throws -> String {
        let migrator = try Migrator(migrations)
        let database = "millrace_template_\(name)_\(migrator.checksum)"
        if Self.built.withLock({ $0.contains(database) }) { return database }
        try connection.script("SET lock_timeout = 0; SET statement_timeout = '120s'")
        try connection.run(.once("SELECT pg_advisory_lock(hashtextextended($1, 0))"), database)
        defer { _ = try? connection.run(.once("SELECT pg_advisory_unlock_all()")) }
        let exists: Bool = try connection.run(.once("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS exists"), database).only()(
            "exists")
        if !exists { try build(database, migrator, connection) }
        Self.built.withLock { _ = $0.insert(database) }
        return database
    }

    /// Only a finished template gets the name, so a run that is killed here leaves nothing that looks like one.
    private func build(_ database: String, _ migrator: Migrator, _ connection: Connection) throws {
        let draft = database + "_draft"
        try connection.script("DROP DATABASE IF EXISTS \"\(draft)\" WITH (FORCE)")
        try connection.script("CREATE DATABASE \"\(draft)\" TEMPLATE template0")
        var settings = connection.settings
        settings.database = draft
        do {
            let session = try Connection(settings)
            try migrator.apply(session)
        }
        try connection.script("ALTER DATABASE \"\(draft)\" RENAME TO \"\(database)\"")
    }
}

/// The database of the running test.
package struct TestDatabase: Sendable {
    package let name: String
    package let url: String

    @TaskLocal static var bound: TestDatabase?

    /// The database of the running test; the test or its suite must have the trait `.database`.
    package static var current: TestDatabase {
        guard let bound else { preconditionFailure("the test has no trait .database") }
        return bound
    }

    package var settings: ConnectionSettings {
        get throws { try ConnectionSettings(url: url) }
    }

    /// A new connection, for the calling thread.
    package func connect() throws -> Connection { try Connection(settings) }

    /// Lanes of their own; they end with the process or with `stop`.
    package func lanes(_ count: Int = 2) throws -> Database { try Database(settings, lanes: count, name: "test") }

    /// WAL_LOG: FILE_COPY forces a checkpoint for each copy, and many tests at once then wait for one another.
    static func create(from template: DatabaseTemplate?) async throws -> TestDatabase {
        let url = try TestServers.postgres()
        let name = try await Administrator.lanes().run { connection in
            let source = try template?.ensure(connection) ?? "template0"
            let name = "millrace_test_\(Instant.now.microseconds / 1_000_000)_\(UInt32.random(in: 0 ... .max))"
            try connection.script("CREATE DATABASE \(name) TEMPLATE \"\(source)\" STRATEGY wal_log")
            return name
        }
        return TestDatabase(name: name, url: Administrator.url(url, database: name))
    }

    func drop() async {
        let name = name
        // What cannot be dropped now is left to the sweep of a later run.
        try? await Administrator.lanes().run { connection in try connection.script("DROP DATABASE IF EXISTS \(name) WITH (FORCE)") }
    }
}

/// The lanes that create and drop databases; a test's own thread never waits for that.
private enum Administrator {
    private static let shared = Mutex<Database?>(nil)

    static func lanes() throws -> Database {
        let url = try TestServers.postgres()
        return try shared.withLock { shared in
            if let shared { return shared }
            var settings = try ConnectionSettings(url: url)
            settings.lockTimeout = .seconds(60)
            let lanes = Database(settings, lanes: 2, name: "test-admin")
            shared = lanes
            Task { try? await lanes.run(sweep) }
            return lanes
        }
    }

    /// Drops databases of runs that were killed: their names say when they were made.
    private static func sweep(_ connection: Connection) throws {
        let hourAgo = Instant.now.microseconds / 1_000_000 - 3600
        let stale = Statement.once(
            """
            SELECT datname FROM pg_database
            WHERE datname LIKE 'millrace\\_test\\_%' AND split_part(datname, '_', 3)::bigint < $1
            """)
        for row in try connection.run(stale, hourAgo) {
            let name: String = try row("datname")
            try? connection.script("DROP DATABASE IF EXISTS \"\(name)\" WITH (FORCE)")
        }
    }

    /// The same server's URL for another database.
    static func url(_ url: String, database: String) -> String {
        let parts = url.split(separator: "?", maxSplits: 1)
        let address = parts[0]
        let host = address.firstRange(of: "://").map { address[$0.upperBound...] } ?? address
        let path = host.firstIndex(of: "/") ?? address.endIndex
        return address[..<path] + "/" + database + (parts.count > 1 ? "?" + parts[1] : "")
    }
}
