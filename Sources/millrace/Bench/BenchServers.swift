internal import Engine
internal import JSON
internal import Postgres
internal import RabbitMQ

/// The servers that a benchmark runs against: versions, whether they are durable, and their processes if they run here.
struct BenchServers {
    /// Of PostgreSQL; a figure counts only if what was acknowledged survives a crash.
    private static let durable = ["fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"]
    private static let shown = ["fsync", "synchronous_commit", "full_page_writes", "wal_compression", "shared_buffers", "max_wal_size"]

    var postgresVersion: String
    var brokerVersion: String?
    var settings: [(name: String, value: String)]
    /// The postmaster, when it runs on this machine and shows itself.
    var postmaster: Int?
    /// RabbitMQ's virtual machine.
    var broker: Int?

    init(_ connection: Connection, broker brokerSettings: BrokerSettings?) throws {
        let row = try connection.run(
            .once(
                """
                select current_setting('server_version') as version, pg_backend_pid() as pid,
                       coalesce(inet_server_addr() <<= '127.0.0.0/8' or inet_server_addr() = '::1' or inet_server_addr() = inet_client_addr(), true)
                           as is_here
                """)
        ).only()
        let version: String = try row("version")
        postgresVersion = version.split(separator: " ").first.map(String.init) ?? version
        settings = try connection.run(
            .once("select n as name, current_setting(n) as value from unnest($1::text[]) with ordinality as s (n, place) order by place"), Self.shown
        ).map { (try $0("name"), try $0("value")) }
        let (backend, isHere): (Int32, Bool) = (try row("pid"), try row("is_here"))
        // In another container the number would be another process's.
        if isHere, ProcessTable.name(Int(backend)) == "postgres" { postmaster = ProcessTable.usage(Int(backend))?.parent }
        guard let brokerSettings else { return }
        brokerVersion = try BrokerConnection(brokerSettings).server
        if ["127.0.0.1", "localhost", "::1"].contains(brokerSettings.host) { broker = ProcessTable.listener(port: brokerSettings.port) }
    }

    /// What a power failure could take back, in words; empty when nothing.
    var risks: [String] {
        settings.filter { Self.durable[$0.name] != nil && Self.durable[$0.name] != $0.value }.map { "\($0.name) is \($0.value)" }
    }

    func show(in report: BenchReport) {
        let versions = ["PostgreSQL \(postgresVersion)"] + (brokerVersion.map { [$0] } ?? [])
        report.fact(
            "servers", versions.joined(separator: ", "),
            ["postgres": .string(postgresVersion), "broker": brokerVersion.map { .string($0) } ?? .null])
        let broker = brokerVersion == nil ? [] : ["queues quorum", "messages persistent", "publisher confirms"]
        report.fact(
            "settings",
            (settings.map { "\($0.name) \($0.value)" } + broker).joined(separator: ", "),
            .object(JSONObject(settings.map { ($0.name, .string($0.value)) })))
        report.fact("durable", risks.isEmpty ? "yes" : "no", .bool(risks.isEmpty))
        if !risks.isEmpty { report.warn("not durable (\(risks.joined(separator: ", "))): these figures are for orientation only") }
        if postmaster == nil { report.warn("PostgreSQL is not a process that can be seen here: its CPU time and memory are not measured") }
        if brokerVersion != nil, self.broker == nil {
            report.warn("RabbitMQ is not a process that can be seen here: its CPU time and memory are not measured")
        }
    }
}
