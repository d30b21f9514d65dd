internal import Bytes
internal import Engine
internal import JSON
internal import Postgres
internal import RabbitMQ
internal import Settings

/// What every benchmark of the engine needs: its database, the definitions of its kinds, queues with a name of their own, the meter and the report.
struct BenchContext {
    static let options = ["--accounts", "--keys", "--lanes", "--leased"]

    let platform: Platform
    let catalog: Catalog
    let report: BenchReport
    let meter: Meter
    let tally = Tally()
    let accounts: Int
    /// Keys over which the jobs of the limited kind take turns.
    let keys: Int
    /// For what the benchmark itself asks; what is measured runs on connections of `load`.
    let connection: Connection
    let load: ConnectionSettings
    /// Before the queues' names in the broker: runs do not meet each other's wake-ups.
    let prefix = "bench.\(Identifier.next().text("r").suffix(8))."

    /// - Parameters:
    ///   - options: the benchmark's own, as they count.
    ///   - keyLimit: of each key of the limited kind.
    init(_ name: String, _ arguments: Arguments, options: JSONObject, keyLimit: Int = BenchKinds.keyLimit) throws {
        platform = try Platform(arguments, roles: [.relay])
        accounts = try arguments.number("--accounts", default: 1000)
        keys = try arguments.number("--keys", default: 100_000, least: 1)
        let (lanes, leased) = (try arguments.number("--lanes", default: 2), try arguments.number("--leased", default: 1000))
        catalog = try BenchKinds.catalog(atomicLanes: lanes, leased: leased, keyLimit: keyLimit)
        var options = options
        for (key, value) in [("accounts", accounts), ("keys", keys), ("lanes", lanes), ("leased", leased)] { options[key] = .int(Int64(value)) }
        report = BenchReport(name, options: options, json: arguments.wantsJSON)
        var settings = try platform.connection("bench")
        settings.statementTimeout = .zero
        settings.idleInTransactionTimeout = .zero
        connection = try Connection(settings)
        load = try platform.connection("bench-load")
        let machine = Machine.read()
        report.fact("machine", machine.text, machine.json)
        let servers = try BenchServers(connection, broker: platform.broker)
        servers.show(in: report)
        meter = Meter(connection: connection, servers: servers)
        try BenchDatabase.prepare(connection)
        try BenchDatabase.empty(connection)
        try warnOfOthers()
    }

    /// The same in another database, with queues and a tally of its own.
    private init(_ other: BenchContext, in database: String) throws {
        (platform, catalog, report, accounts, keys) = (other.platform, other.catalog, other.report, other.accounts, other.keys)
        var (settings, load) = (other.connection.settings, other.load)
        settings.database = database
        load.database = database
        connection = try Connection(settings)
        self.load = load
        meter = Meter(connection: connection, servers: other.meter.servers)
        try BenchDatabase.prepare(connection)
        try BenchDatabase.empty(connection)
    }

    /// Runs the body with the same in a second database, which is made for it and removed: what one holds, the other does not.
    func withTwin(_ body: (BenchContext) throws -> Void) throws {
        let database = try BenchDatabase.makeTwin(connection)
        // Refuses one of that name that is not a benchmark's, and then nothing is removed.
        let twin = try BenchContext(self, in: database)
        defer { BenchDatabase.remove(database, connection) }
        try twin.withQueues { try body(twin) }
    }

    /// The kind to run, which must be one of ours.
    static func kind(_ arguments: Arguments, default standard: String = "bench.noop") throws -> String {
        let kind = arguments.value("--kind") ?? standard
        guard BenchKinds.all.contains(kind) else {
            throw CommandFailure.usage("there is no kind \"\(kind)\"" + Suggestion.hint(kind, BenchKinds.all))
        }
        return kind
    }

    func queue(of kind: String) -> String { catalog.jobs[kind]?.queue ?? "" }

    var topology: Topology { Topology(catalog: catalog, prefix: prefix) }

    /// Runs the body while the queues exist in the broker, and removes them whatever happens.
    func withQueues(_ body: () throws -> Void) throws {
        let topology = topology
        let broker = try platform.requiredBroker()
        _ = try topology.declare(on: try BrokerConnection(broker))
        defer {
            // A connection of its own: a long run would not have answered the first one's heartbeats.
            if let admin = try? BrokerConnection(broker) {
                for queue in catalog.queues.keys + [Topology.deadLetters] { _ = try? admin.deleteQueue(topology.name(queue)) }
            }
        }
        try body()
    }

    /// Nothing is left, in the ledger or at the broker; for between two runs, when no worker is there.
    func clear() throws {
        try BenchDatabase.empty(connection)
        let broker = try BrokerConnection(platform.requiredBroker())
        for queue in catalog.queues.keys { try broker.purgeQueue(topology.name(queue)) }
        broker.close()
    }

    private func warnOfOthers() throws {
        let others: Int = try connection.run(
            .once(
                """
                select count(*) as n from pg_stat_activity
                where datname <> current_database() and state = 'active' and backend_type = 'client backend'
                """)
        ).only()("n")
        if others > 0 { report.warn("\(others) sessions of other databases are at work on this PostgreSQL: its CPU time and WAL count theirs too") }
    }
}
