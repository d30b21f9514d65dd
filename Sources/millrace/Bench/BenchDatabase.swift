internal import Postgres

/// The database of the benchmarks: they empty it before each series and fill it, so it must be theirs alone.
enum BenchDatabase {
    /// Held while a benchmark runs: two at once would take each other's jobs.
    private static let lock: Int64 = 0x6D69_6C6C_6265_6E63

    /// Migrates, and makes sure that nobody else's data is inside.
    static func prepare(_ connection: Connection) throws {
        guard try connection.run(.once("select pg_try_advisory_lock($1) as locked"), lock).only()("locked") as Bool else {
            throw CommandFailure(.failure, "another benchmark runs in the database \(connection.settings.database)")
        }
        try Migrator(Migrations.all).apply(connection)
        let row = try connection.run(
            .once(
                """
                select exists (select from accounts) or exists (select from jobs where kind not like 'bench.%')
                       or (to_regclass('bench_balances') is null and exists (select from finished_jobs)) as used
                """)
        ).only()
        guard try !(row("used") as Bool) else {
            throw CommandFailure(
                .failure,
                "the database \(connection.settings.database) is in use by a platform; make one of its own for benchmarks: they empty the ledger")
        }
        try connection.script(BenchKinds.schema)
    }

    /// An empty ledger, and dirty pages written: what follows has no checkpoint of ours to pay.
    static func empty(_ connection: Connection) throws {
        try connection.script(
            "truncate jobs, outbox, claims, finished_jobs, job_signals, limit_counters, bench_entries; update bench_balances set balance = 0")
        for table in ["jobs", "outbox", "finished_jobs", "limit_counters", "bench_balances"] { try connection.script("vacuum (analyze) \(table)") }
        try checkpoint(connection)
    }

    /// A second database beside this one; one that a broken run left is taken as it is, if it is a benchmark's.
    ///
    /// - Returns: its name.
    static func makeTwin(_ connection: Connection) throws -> String {
        let name = connection.settings.database + "_twin"
        do {
            try connection.script("create database \(connection.quotedIdentifier(name))")
        } catch {
            // Where it stands already, `prepare` says whether it is ours.
            if error.sqlState == "42P04" { return name }
            guard error.kind == .insufficientPrivilege else { throw error }
            throw CommandFailure(.failure, "this benchmark compares with a second database, \(name): its role must be allowed to create one")
        }
        return name
    }

    static func remove(_ name: String, _ connection: Connection) {
        try? connection.script("drop database if exists \(connection.quotedIdentifier(name)) with (force)")
    }

    /// A superuser's right, or that of `pg_checkpoint`; without it the server makes its own.
    static func checkpoint(_ connection: Connection) throws {
        do {
            try connection.script("checkpoint")
        } catch {
            guard error.kind == .insufficientPrivilege else { throw error }
        }
    }
}
