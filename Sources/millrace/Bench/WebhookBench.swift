internal import Business
internal import Bytes
internal import Crypto
internal import Engine
internal import HTTPClient
internal import JSON
internal import Lanes
internal import Postgres
internal import RabbitMQ
internal import Settings
internal import Work

/// Sends webhooks over the whole product path: events that are emitted with their deliveries, jobs and outbox rows, then relay, worker, signature, HTTP,
/// attempt log and ledger; measured from the start of relay and worker to the last delivery's end.
///
/// A share of the endpoints may hang: they accept and never answer, and what counts is what the others reach.
enum WebhookBench: Benchmark {
    static let name = "webhooks"
    static let usage = """
        from a backlog of events to the last delivery: signed, sent to a local sink, logged
            --endpoints 100  --deliveries 20000  --hanging 0.1  --runs 3  --sink URL
        """
    static let options = ["--endpoints", "--deliveries", "--hanging", "--runs", "--sink"]

    static func run(_ arguments: Arguments) throws { try WebhookSeries(arguments).run() }
}

private struct WebhookSeries {
    private static let rate = Measure(key: "deliveries_per_second", label: "deliveries", unit: "/s")
    private static let seconds = Measure(key: "seconds", label: "seconds", unit: "s", digits: 2)
    private static let emitted = Measure(key: "emit_per_second", label: "emitted", unit: "/s")

    private static let logged = Measure(key: "logged", label: "logged as delivered", unit: "")
    private static let verified = Measure(key: "verified", label: "verified by the sink", unit: "")

    private let platform: Platform
    private let endpoints: Int
    private let deliveries: Int
    private let hanging: Double
    private let runs: Int
    private let target: String?
    private let prefix = "bench.\(Identifier.next().text("r").suffix(8))."
    private let report: BenchReport

    init(_ arguments: Arguments) throws {
        platform = try Platform(arguments, roles: [.relay, .worker])
        endpoints = try arguments.number("--endpoints", default: 100, least: 1)
        deliveries = try max(endpoints, arguments.number("--deliveries", default: 20_000))
        runs = try arguments.number("--runs", default: 3, least: 1)
        target = arguments.value("--sink")
        guard let share = Double(arguments.value("--hanging") ?? "0"), (0..<1).contains(share) else {
            throw CommandFailure.usage("--hanging is a share from 0 to below 1")
        }
        hanging = share
        if share > 0, target != nil { throw CommandFailure.usage("--hanging needs the benchmark's own sink") }
        report = BenchReport(
            WebhookBench.name,
            options: [
                "endpoints": .int(Int64(endpoints)), "deliveries": .int(Int64(deliveries)), "hanging": .double(hanging), "runs": .int(Int64(runs)),
            ], json: arguments.wantsJSON)
    }

    func run() throws {
        let connection = try Connection(platform.connection("bench"))
        try Migrator(Migrations.all).apply(connection)
        let broker = try platform.requiredBroker()
        let machine = Machine.read()
        report.fact("machine", machine.text, machine.json)
        let servers = try BenchServers(connection, broker: broker)
        servers.show(in: report)
        let meter = Meter(connection: connection, servers: servers)
        let topology = Topology(catalog: platform.catalog, prefix: prefix)
        let admin = try BrokerConnection(broker)
        _ = try topology.declare(on: admin)
        defer {
            // A connection of its own: a long run would not have answered the first one's heartbeats.
            if let admin = try? BrokerConnection(broker) {
                for queue in platform.catalog.queues.keys + [Topology.deadLetters] { _ = try? admin.deleteQueue(topology.name(queue)) }
            }
        }
        for _ in 0..<runs { try measure(meter, connection, broker) }
        report.end()
    }

    private func measure(_ meter: Meter, _ connection: Connection, _ broker: BrokerSettings) throws {
        let business = Business(
            ledger: Ledger(catalog: platform.catalog), keys: try EncryptionKeys([1: EncryptionKeys.makeKey()]), rules: Rules())
        let sink = WebhookSink()
        let base = try target ?? sink.start()
        let field = try Field(connection, business, base: base, endpoints: endpoints, hanging: hanging)
        defer { field.retire(connection) }
        for (path, secret) in field.secrets { sink.trust(secret, at: path) }
        let enqueued = try field.emit(deliveries / endpoints, business, on: connection)

        var client = HTTPClient.Settings()
        client.urlRules.requiresHTTPS = false
        let http = HTTPClient(settings: client, guard: AddressGuard(allowedNetworks: [try Network("127.0.0.0/8")]))
        let settings = try platform.connection("bench")
        let database = Database(settings, lanes: platform.settings.database.lanes, name: "work")
        let relay = Relay(
            settings: RelaySettings(prefix: prefix, batch: platform.settings.relay.batch, window: platform.settings.relay.window),
            database: settings, broker: broker, catalog: platform.catalog, log: platform.log, metrics: platform.metrics)
        let queues = platform.catalog.queues.keys.filter { $0.hasPrefix("webhook") }.sorted()
        let worker = try Worker(
            queues: queues, settings: WorkerSettings(prefix: prefix, grace: .milliseconds(500)), ledger: business.ledger,
            handlers: HandlerRegistry.handlers(platform.services(business, http)), connection: settings, database: database, broker: broker,
            log: platform.log, metrics: platform.metrics, onStuck: { Process.abandon() })
        let before = (log: try meter.log(), processor: meter.processor(), threads: ProcessorTime.now())
        let began = monotonicNanoseconds()
        relay.start()
        worker.start()
        let wanted = field.healthy.count * (deliveries / endpoints)
        // The look into the ledger costs as much as hundreds of deliveries, so the sink says when it is worth it.
        while target == nil, sink.tally().accepted < wanted { pause(.milliseconds(5)) }
        while try field.isWaiting(connection) { pause(.milliseconds(target == nil ? 5 : 100)) }
        let elapsed = Double(monotonicNanoseconds() - began) / 1e9
        let processor = meter.processor()
        let threads = ProcessorTime.now() - before.threads
        let sent = wanted
        worker.stop()
        relay.stop()
        database.stop()
        http.stop()
        try blocking { await sink.stop() }
        var sample = Sample()
        sample.add(Self.rate, Double(sent) / elapsed)
        sample.add(Self.seconds, elapsed)
        sample.add(Self.emitted, Double(enqueued))
        sample.add(Meter.processor(before.processor, processor, jobs: sent))
        sample.add(Meter.log(before.log, try meter.log(), jobs: sent))
        sample.add(Self.logged, Double(try field.deliveredCount(connection)))
        sample.add(Self.verified, target == nil ? Double(sink.tally().verified) : nil)
        report.record("webhooks", sample)
        if target == nil { report.line("  of \(sent)  sink: \(sink.tally().text)") }
        report.line(
            "  CPU us a delivery: " + threads.map { "\($0.name) \(($0.seconds * 1e7 / Double(sent)).rounded() / 10)" }.joined(separator: "  "))
    }

    /// The endpoints of a run and who owns them.
    private struct Field {
        var healthy: [Identifier] = []
        var secrets: [(path: String, secret: WebhookSecret)] = []
        private var accounts: [Identifier] = []

        /// Accounts of the most endpoints that the rules allow, beside each other.
        init(_ connection: Connection, _ business: Business, base: String, endpoints: Int, hanging: Double) throws {
            var made = 0
            _ = try connection.run(
                .once(
                    """
                    insert into accounts (id, type, name, currency)
                    select $1, 'operator', 'bench', 'USD' where not exists (select 1 from accounts where parent_id is null)
                    """), Identifier.next())
            while made < endpoints {
                let account = Identifier.next()
                try connection.run(
                    .once(
                        "insert into accounts (id, parent_id, type, name, currency) select $1, id, 'reseller', $2, 'USD' from accounts where parent_id is null"
                    ),
                    account, account.text("bench"))
                accounts.append(account)
                let caller = Caller(accountID: account, role: .reseller, permissions: Permission.all(of: .reseller))
                for _ in 0..<min(business.rules.webhookEndpointsPerAccount, endpoints - made) {
                    let hangs = Int(Double(made + 1) * hanging) > Int(Double(made) * hanging)
                    var change = WebhookEndpointChange()
                    let path = "/e\(made)"
                    // Not all events: a run counts what it has emitted, not what is said of breakers.
                    (change.url, change.events) = (base + path + (hangs ? "?hang" : ""), ["plan.purchased"])
                    let created = try connection.transaction { try business.webhooks.create(change, by: caller, on: $0) }
                    secrets.append((path, try WebhookSecret(created.secret.reveal)))
                    if !hangs { healthy.append(created.endpoint.id) }
                    made += 1
                }
            }
        }

        /// So many events of each account, twenty to a transaction; the accounts take turns.
        ///
        /// - Returns: deliveries made in a second.
        func emit(_ events: Int, _ business: Business, on connection: Connection) throws -> Int {
            let data: JSONValue = ["plan": ["id": "plan_0192f0c1d2e37abc8def0123456789ab"], "fill": .string(String(repeating: "x", count: 180))]
            let began = monotonicNanoseconds()
            for start in stride(from: 0, to: events, by: 20) {
                for account in accounts {
                    try connection.transaction { connection in
                        for _ in start..<min(start + 20, events) {
                            try business.webhooks.emit(.planPurchased, account: account, data: data, on: connection)
                        }
                    }
                }
            }
            return Int(Double(events * secrets.count) / (Double(monotonicNanoseconds() - began) / 1e9))
        }

        /// Whether a healthy endpoint's delivery has not ended.
        func isWaiting(_ connection: Connection) throws -> Bool {
            try connection.run(
                .once(
                    """
                    select exists (select 1 from jobs j join webhook_deliveries d on d.job_id = j.id
                                   where j.kind = 'webhook.deliver' and d.endpoint_id = any($1)) as waiting
                    """), healthy
            ).only()("waiting")
        }

        func deliveredCount(_ connection: Connection) throws -> Int {
            // By what the planner knew of them before the run, it may take one attempt after the other.
            try connection.script("analyze webhook_deliveries, webhook_attempts")
            return try connection.run(
                .once(
                    """
                    select count(*) as count from webhook_deliveries d join webhook_attempts a on a.delivery_id = d.id
                    where d.endpoint_id = any($1) and d.state = 'delivered' and a.status = 204
                    """), healthy
            ).only()("count")
        }

        /// What is left of the run is sent nowhere.
        func retire(_ connection: Connection) {
            _ = try? connection.run(
                .once("update webhook_endpoints set active = false, deleted_at = now() where account_id = any($1)"), accounts)
        }
    }
}
