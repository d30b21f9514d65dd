/// Brings a database's schema up to date: applies what is missing, in the order of the numbers, each migration in a transaction of its own together with
/// its record in `schema_migrations`.
///
/// Several processes may start at once: an advisory lock lets one work while the others wait, and then find nothing to do. Numbers that this program does
/// not know are no error, so that the old version keeps running while the new one is rolled out.
package struct Migrator: Sendable {
    package let migrations: [Migration]
    /// How long to wait for another process that is migrating.
    package var lockWait: Duration = .seconds(300)

    /// Sorts the migrations by number.
    ///
    /// - Throws: `duplicate`.
    package init(_ migrations: [Migration]) throws(MigrationError) {
        self.migrations = migrations.sorted { $0.number < $1.number }
        for (first, second) in zip(self.migrations, self.migrations.dropFirst()) where first.number == second.number {
            throw MigrationError(kind: .duplicate, number: first.number, message: "is the number of both \(first.name) and \(second.name)")
        }
    }

    /// The fingerprint of all migrations together; it names the templates of the tests.
    package var checksum: String {
        FNV1a(migrations.map { "\($0.number) \($0.name) \($0.checksum)" }.joined(separator: "\n")).hexadecimal
    }

    /// What `apply` would apply.
    ///
    /// - Throws: `changed` or `outOfOrder`; `PostgresError`.
    package func pending(_ connection: Connection) throws -> [Migration] {
        let exists: Bool = try connection.run(.tableExists).only()("exists")
        let applied: [Int: String] =
            exists
            ? try Dictionary(uniqueKeysWithValues: connection.run(.appliedMigrations).map { row in (try row("number"), try row("checksum")) }) : [:]
        let last = applied.keys.max() ?? .min
        return try migrations.filter { migration in
            if let checksum = applied[migration.number] {
                guard checksum == migration.checksum else {
                    let message = "\(migration.name) was changed after it was applied; add a new migration instead"
                    throw MigrationError(kind: .changed, number: migration.number, message: message)
                }
                return false
            }
            guard migration.number > last else {
                let message = "\(migration.name) was not applied, but number \(last) was; give it a greater number"
                throw MigrationError(kind: .outOfOrder, number: migration.number, message: message)
            }
            return true
        }
    }

    /// Applies what is pending and returns it.
    ///
    /// What was applied before a failure stays applied.
    @discardableResult
    package func apply(_ connection: Connection) throws -> [Migration] {
        try withLock(connection) {
            try connection.script(
                """
                CREATE TABLE IF NOT EXISTS schema_migrations (
                    number bigint PRIMARY KEY,
                    name text NOT NULL,
                    checksum text NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now()
                )
                """)
            let pending = try pending(connection)
            for migration in pending { try apply(migration, connection) }
            return pending
        }
    }

    private func apply(_ migration: Migration, _ connection: Connection) throws {
        do {
            try connection.transaction { connection in
                try connection.script(migration.sql)
                guard connection.isInTransaction else {
                    throw PostgresError(.other, message: "the SQL must not end the transaction that it runs in")
                }
                try connection.run(.recordMigration, migration.number, migration.name, migration.checksum)
            }
        } catch let error as PostgresError where !error.isTransient {
            throw MigrationError(kind: .failed, number: migration.number, message: "\(migration.name): \(error)")
        }
    }

    /// A session's lock, because the migrations have a transaction each.
    ///
    /// `lock_timeout` would end the wait for it, so the statement's timeout bounds it
    /// instead; in the migrations it is the other way round: they may run long, but must not queue up behind a lock and stop everybody else.
    private func withLock<R>(_ connection: Connection, _ body: () throws -> R) throws -> R {
        try connection.script("SET lock_timeout = 0; SET statement_timeout = \(lockWait.wholeMilliseconds)")
        defer { if connection.isUsable { try? connection.script("RESET lock_timeout; RESET statement_timeout") } }
        try connection.run(.lockMigrations)
        defer { if connection.isUsable { _ = try? connection.run(.unlockMigrations) } }
        try connection.script("RESET lock_timeout; SET statement_timeout = 0")
        return try body()
    }
}

extension Statement {
    /// The key is the ASCII letters of "millrace".
    fileprivate static let lockMigrations = Statement("migrations.lock", "SELECT pg_advisory_lock(7883951835720016741)")
    fileprivate static let unlockMigrations = Statement("migrations.unlock", "SELECT pg_advisory_unlock(7883951835720016741)")
    fileprivate static let tableExists = Statement("migrations.exists", "SELECT to_regclass('schema_migrations') IS NOT NULL AS exists")
    fileprivate static let appliedMigrations = Statement("migrations.applied", "SELECT number, checksum FROM schema_migrations")
    fileprivate static let recordMigration = Statement(
        "migrations.record", "INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)")
}
