internal import Bytes
internal import Glibc
internal import Lanes
internal import Postgres

/// Readings of what work costs, and their difference per job.
///
/// WAL is the server's: the position of the log is exact at once. The number of full-page images (`pg_stat_wal`) and of commits is not; backends report
/// them at most once a second and when they end, so a reading that is to be complete waits until our other sessions are gone (`settled`).
struct Meter {
    static let own = Measure(key: "cpu_millrace_us", label: "CPU millrace", unit: "us/job", digits: 1)
    static let postgres = Measure(key: "cpu_postgres_us", label: "CPU PostgreSQL", unit: "us/job", digits: 1)
    static let broker = Measure(key: "cpu_rabbitmq_us", label: "CPU RabbitMQ", unit: "us/job", digits: 1)
    static let wal = Measure(key: "wal_bytes", label: "WAL", unit: "B/job")
    static let walWithoutImages = Measure(key: "wal_bytes_without_images", label: "WAL without images", unit: "B/job")
    static let images = Measure(key: "wal_images", label: "WAL images", unit: "/job", digits: 3)
    static let commits = Measure(key: "commits", label: "commits", unit: "/job", digits: 3)
    static let ownMemory = Measure(key: "memory_millrace_mib", label: "memory millrace", unit: "MiB", digits: 1)
    static let postgresMemory = Measure(key: "memory_postgres_mib", label: "memory PostgreSQL", unit: "MiB", digits: 1)
    static let brokerMemory = Measure(key: "memory_rabbitmq_mib", label: "memory RabbitMQ", unit: "MiB", digits: 1)

    let connection: Connection
    let servers: BenchServers

    /// Seconds of CPU time.
    struct Processor {
        var own: Double?
        var postgres: Double?
        var broker: Double?
    }

    struct Log {
        var position: Double
        /// Nil when sessions were still open that may not have reported yet.
        var images: Double?
        var commits: Double?
    }

    func processor() -> Processor {
        Processor(
            own: ProcessTable.usage(Int(getpid()))?.own, postgres: servers.postmaster.flatMap(ProcessTable.treeSeconds),
            broker: servers.broker.flatMap(ProcessTable.treeSeconds))
    }

    func log() throws -> Log {
        try connection.run(.once("select pg_stat_force_next_flush()"))
        let row = try connection.run(
            .once(
                """
                select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8 as position, (select wal_fpi::float8 from pg_stat_wal) as images,
                       (select xact_commit::float8 from pg_stat_database where datname = current_database()) as commits
                """)
        ).only()
        return Log(position: try row("position"), images: try row("images"), commits: try row("commits"))
    }

    /// The log after the sessions of the load have ended and reported; without images and commits when they do not end within 5 s.
    func settledLog() throws -> Log {
        let deadline = ContinuousClock.now + .seconds(5)
        while ContinuousClock.now < deadline {
            let others: Int = try connection.run(
                .once(
                    """
                    select count(*) as n from pg_stat_activity
                    where datname = current_database() and pid <> pg_backend_pid() and application_name = 'millrace-bench-load'
                    """)
            ).only()("n")
            if others == 0 { return try log() }
            pause(.milliseconds(10))
        }
        return try unsettledLog()
    }

    /// The log while sessions of the load go on, which have not yet reported their images and commits.
    func unsettledLog() throws -> Log { Log(position: try log().position) }

    static func processor(_ before: Processor, _ after: Processor, jobs: Int) -> Sample {
        func perJob(_ one: Double?, _ other: Double?) -> Double? {
            if let one, let other { (other - one) * 1e6 / Double(jobs) } else { nil }
        }
        var sample = Sample()
        sample.add(own, perJob(before.own, after.own))
        sample.add(postgres, perJob(before.postgres, after.postgres))
        sample.add(broker, perJob(before.broker, after.broker))
        return sample
    }

    /// Bytes of the log, and without full-page images.
    ///
    /// PostgreSQL 15 counts the images and not their bytes. An image is a page less its unused middle, so taking each for a whole page of 8 KiB gives a
    /// figure that is too low by a little; as long as there are few images (no checkpoint between the runs) both figures are near the truth.
    static func log(_ before: Log, _ after: Log, jobs: Int) -> Sample {
        let bytes = after.position - before.position
        func difference(_ one: Double?, _ other: Double?) -> Double? {
            if let one, let other { other - one } else { nil }
        }
        let count = difference(before.images, after.images)
        var sample = Sample()
        sample.add(wal, bytes / Double(jobs))
        sample.add(walWithoutImages, count.map { max(0, bytes - $0 * 8192) / Double(jobs) })
        sample.add(images, count.map { $0 / Double(jobs) })
        sample.add(commits, difference(before.commits, after.commits).map { $0 / Double(jobs) })
        return sample
    }

    func memory() -> Sample {
        var sample = Sample()
        sample.add(Self.ownMemory, ProcessTable.memory(Int(getpid()))?.resident)
        // Shared buffers are in every backend: only the proportional sizes add up.
        let backends = servers.postmaster.map { [$0] + ProcessTable.children(of: $0) }
        let sizes = backends?.map { ProcessTable.memory($0)?.proportional }
        sample.add(Self.postgresMemory, sizes.flatMap { sizes in sizes.contains { $0 == nil } ? nil : sizes.compactMap { $0 }.reduce(0, +) })
        sample.add(Self.brokerMemory, servers.broker.flatMap { ProcessTable.memory($0)?.resident })
        return sample
    }
}
