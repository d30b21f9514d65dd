internal import Bytes
internal import Clocks
internal import Engine
internal import Glibc
internal import JSON
internal import Lanes
internal import Postgres
internal import RabbitMQ
internal import Settings
internal import Telemetry

/// Fills the outbox, then measures from the start of relay and worker to the last completion.
struct EngineBench {
    private let platform: Platform
    private let catalog: Catalog
    private let kind: String
    private let jobs: Int
    private let runs: Int
    private let keys: Int
    private let prefix = "bench.\(Identifier.next().text("r").suffix(8))."

    init(_ arguments: Arguments) throws {
        platform = try Platform(arguments, roles: [.relay, .worker])
        catalog = try BenchKinds.catalog(atomicLanes: arguments.number("--lanes", default: 2), leased: arguments.number("--leased", default: 1000))
        kind = arguments.value("--kind") ?? "bench.noop"
        guard catalog.jobs[kind] != nil else {
            throw CommandFailure.usage("there is no kind \"\(kind)\"" + Suggestion.hint(kind, catalog.jobs.keys.sorted()))
        }
        jobs = try arguments.number("--jobs", default: 50_000)
        runs = try arguments.number("--runs", default: 3)
        keys = try max(1, arguments.number("--keys", default: 100_000))
    }

    func enqueue() throws {
        let connection = try Connection(platform.connection("bench"))
        try connection.script(BenchKinds.schema)
        let (rate, bytes) = try fill(connection)
        Output.line("enqueue in bulk  \(rate) jobs/s  WAL \(bytes) bytes a job")
    }

    func drain() throws {
        let connection = try Connection(platform.connection("bench"))
        try connection.script(BenchKinds.schema)
        let broker = try platform.requiredBroker()
        let topology = Topology(catalog: catalog, prefix: prefix)
        let admin = try BrokerConnection(broker)
        _ = try topology.declare(on: admin)
        defer {
            for queue in catalog.queues.keys + [Topology.deadLetters] { _ = try? admin.deleteQueue(topology.name(queue)) }
        }
        for run in 1...runs {
            let (enqueued, _) = try fill(connection)
            let ledger = Ledger(catalog: catalog)
            let settings = try platform.connection("bench")
            let database = Database(settings, lanes: 2, name: "bench")
            let relay = Relay(
                settings: RelaySettings(prefix: prefix, batch: platform.settings.relay.batch, window: platform.settings.relay.window),
                database: settings,
                broker: broker, catalog: catalog, log: platform.log, metrics: platform.metrics)
            let queue = catalog.jobs[kind]?.queue ?? ""
            let worker = try Worker(
                queues: [queue], settings: WorkerSettings(prefix: prefix), ledger: ledger, handlers: BenchKinds.handlers, connection: settings,
                database: database, broker: broker, log: platform.log, metrics: platform.metrics, onStuck: { Process.abandon() })
            let before = try Reading(connection)
            let began = monotonicNanoseconds()
            relay.start()
            worker.start()
            while try remaining(connection) > 0 { pause(.milliseconds(20)) }
            let seconds = Double(monotonicNanoseconds() - began) / 1e9
            let after = try Reading(connection)
            worker.stop()
            relay.stop()
            database.stop()
            let perJob = { (total: Double) in (total / Double(jobs) * 10).rounded() / 10 }
            Output.line(
                "run \(run)  \(kind)  drain \(Int(Double(jobs) / seconds)) jobs/s  enqueue \(enqueued) jobs/s  "
                    + "CPU \(perJob((after.cpu - before.cpu) * 1e6)) us/job  WAL \(perJob(after.wal - before.wal)) B/job  "
                    + "commits \(perJob(after.commits - before.commits))/job")
        }
    }

    private func remaining(_ connection: Connection) throws -> Int {
        try connection.run(.once("select count(*) as n from (select 1 from jobs limit 1) one")).only()("n")
    }

    private func fill(_ connection: Connection) throws -> (rate: Int, walBytes: Int) {
        let ledger = Ledger(catalog: catalog)
        let before = try Reading(connection)
        let began = monotonicNanoseconds()
        for start in stride(from: 0, to: jobs, by: 1000) {
            let batch = (start..<min(start + 1000, jobs)).map { NewJob(kind, BenchKinds.payload($0, keys: keys)) }
            try connection.transaction { try ledger.enqueue(batch, on: $0) }
        }
        let seconds = Double(monotonicNanoseconds() - began) / 1e9
        let after = try Reading(connection)
        return (Int(Double(jobs) / seconds), Int((after.wal - before.wal) / Double(jobs)))
    }

    /// What is counted before and after.
    struct Reading {
        var wal: Double
        var commits: Double
        /// Seconds of this process.
        var cpu: Double

        init(_ connection: Connection) throws {
            let row = try connection.run(
                .once(
                    """
                    select (pg_current_wal_lsn() - '0/0'::pg_lsn)::float8 as wal,
                           (select xact_commit::float8 from pg_stat_database where datname = current_database()) as commits
                    """)
            ).only()
            wal = try row("wal")
            commits = try row("commits")
            var usage = rusage()
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
            cpu = Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        }
    }
}
