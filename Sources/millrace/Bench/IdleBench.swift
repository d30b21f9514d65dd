internal import Engine
internal import Glibc
internal import JSON
internal import Lanes
internal import RabbitMQ

/// What the roles cost while nothing happens.
enum IdleBench: Benchmark {
    static let name = "idle"
    static let usage = """
        memory and CPU of the roles while nothing happens, each in a process of its own; with --together all in one
            --settle 10  --seconds 30  --runs 3
        """
    static let flags = ["--together"]
    static let options = ["--settle", "--seconds", "--runs"]

    private static let all = Measure(key: "all_cpu_percent", label: "CPU of all roles", unit: "% of a core", digits: 2)
    private static let postgres = Measure(key: "postgres_cpu_percent", label: "CPU of PostgreSQL", unit: "% of a core", digits: 2)
    private static let broker = Measure(key: "rabbitmq_cpu_percent", label: "CPU of RabbitMQ", unit: "% of a core", digits: 2)

    static func run(_ arguments: Arguments) throws {
        StopSignals.block()
        let settle = try arguments.number("--settle", default: 10)
        let seconds = try arguments.number("--seconds", default: 30, least: 1)
        let runs = try arguments.number("--runs", default: 3, least: 1)
        let context = try BenchContext(
            name, arguments,
            options: [
                "settle": .int(Int64(settle)), "seconds": .int(Int64(seconds)), "runs": .int(Int64(runs)),
                "together": .bool(arguments.has("--together")),
            ])
        defer { removeQueues(context) }
        let roles = SpawnedRoles()
        // The roles end with this process, also when it is told to stop.
        _ = Thread("stop") {
            _ = StopSignals.wait()
            roles.stop()
            _exit(130)
        }
        defer { roles.stop() }
        for role in arguments.has("--together") ? ["up"] : ["relay", "scheduler", "worker", "api"] {
            let port = try freePort()
            let spawned = try SpawnedRole(role, [role] + settings(arguments, role: role, port: port, prefix: context.prefix))
            roles.add(spawned)
            try waitFor(port, spawned)
        }
        pause(.seconds(settle))
        for _ in 0..<runs { context.report.record("idle", try measured(context, roles.all, seconds: seconds)) }
        context.report.end()
    }

    /// As this process has them, and on ports and queues of their own.
    private static func settings(_ arguments: Arguments, role: String, port: UInt16, prefix: String) -> [String] {
        var words = (arguments.value("--config").map { ["--config", $0] } ?? []) + arguments.all("--set").flatMap { ["--set", $0] }
        let fixed = [
            role == "api" || role == "up" ? "api.port=\(port)" : "metrics.port=\(port)", "amqp.prefix=\(prefix)", "log.level=warning",
            // Nothing in the benchmarks' database is sealed or signed.
            "security.encryptionKeys=1:" + String(repeating: "A", count: 43) + "=", "security.tokenKey=" + String(repeating: "idle", count: 8),
        ]
        for setting in fixed { words += ["--set", setting] }
        return words
    }

    private static func waitFor(_ port: UInt16, _ role: SpawnedRole) throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while ProcessTable.listener(port: port) == nil {
            guard role.runs else { throw CommandFailure(.failure, "the role \(role.name) ended at once") }
            if ContinuousClock.now > deadline { throw CommandFailure(.failure, "the role \(role.name) does not listen after 30 s") }
            pause(.milliseconds(100))
        }
    }

    private static func measured(_ context: BenchContext, _ roles: [SpawnedRole], seconds: Int) throws -> Sample {
        let servers = context.meter.processor()
        let before = roles.map { ProcessTable.fineSeconds(Int($0.process)) }
        let began = ContinuousClock.now
        pause(.seconds(seconds))
        let elapsed = (ContinuousClock.now - began) / .seconds(1)
        func percent(_ before: Double?, _ after: Double?) -> Double? {
            if let before, let after { max(0, after - before) / elapsed * 100 } else { nil }
        }
        var sample = Sample()
        var total: Double? = 0
        for (role, before) in zip(roles, before) {
            guard role.runs else { throw CommandFailure(.failure, "the role \(role.name) has ended") }
            let used = percent(before, ProcessTable.fineSeconds(Int(role.process)))
            let memory = ProcessTable.memory(Int(role.process))
            sample.add(Measure(key: "\(role.name)_rss_mib", label: "\(role.name) RSS", unit: "MiB", digits: 1), memory?.resident)
            sample.add(Measure(key: "\(role.name)_pss_mib", label: "\(role.name) PSS", unit: "MiB", digits: 1), memory?.proportional)
            sample.add(Measure(key: "\(role.name)_cpu_percent", label: "\(role.name) CPU", unit: "% of a core", digits: 2), used)
            total = total.flatMap { total in used.map { total + $0 } }
        }
        let after = context.meter.processor()
        sample.add(all, total)
        sample.add(postgres, percent(servers.postgres, after.postgres))
        sample.add(broker, percent(servers.broker, after.broker))
        return sample
    }

    private static func removeQueues(_ context: BenchContext) {
        guard let broker = try? context.platform.requiredBroker(), let admin = try? BrokerConnection(broker) else { return }
        let topology = Topology(catalog: context.platform.catalog, prefix: context.prefix)
        for queue in context.platform.catalog.queues.keys + [Topology.deadLetters] { _ = try? admin.deleteQueue(topology.name(queue)) }
    }
}
