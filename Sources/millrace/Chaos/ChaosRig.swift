internal import Business
internal import Bytes
internal import Crypto
internal import Engine
internal import Faults
internal import Glibc
internal import Postgres
internal import RabbitMQ
internal import Settings
internal import Synchronization
internal import Telemetry

/// An installation of its own for one run: a database, queues with a prefix, the roles as processes of this same executable, and the network between them
/// and the servers.
///
/// There are two sides, each with a way of its own to each server: half of the processes can lose PostgreSQL while the other half works. The rig itself
/// takes no proxy. All numbers are a production's but where a run would take too long: retries of deliveries come after a second or two.
final class ChaosRig: Sendable {
    let platform: Platform
    let folder: String
    let databaseName: String
    let prefix: String
    let apiPort = FreePort.take()
    let business: Business
    private let processes = Mutex<[String: ChildProcess]>([:])
    private let logs = Mutex<[(name: String, log: String)]>([])
    private let starts = Mutex(0)
    private let databaseProxies: [FaultProxy]
    private let brokerProxies: [FaultProxy]

    /// Role and side; the names are what faults choose from.
    static let roles: [(name: String, words: [String], side: Int)] = [
        ("worker-0", ["worker"], 0), ("worker-1", ["worker"], 1), ("relay-0", ["relay"], 0), ("relay-1", ["relay"], 1),
        ("scheduler-0", ["scheduler"], 0), ("scheduler-1", ["scheduler"], 1), ("api-0", ["api"], 0),
    ]

    /// - Parameter folder: for definitions, clocks and the logs of failures.
    init(_ platform: Platform, folder: String, template: String) throws {
        self.platform = platform
        self.folder = folder
        let suffix = Identifier.next().text("c").suffix(16)
        databaseName = "millrace_chaos_\(suffix)"
        prefix = "chaos.\(suffix)."
        let admin = try Connection(platform.connection("chaos"))
        try admin.script("create database \(databaseName) template \(template)")
        let (database, broker) = (try Place(platform.settings.database.url.reveal), try Place(platform.settings.broker.url?.reveal ?? ""))
        databaseProxies = (0..<2).map { _ in FaultProxy(to: database.host, port: database.port) }
        brokerProxies = (0..<2).map { _ in FaultProxy(to: broker.host, port: broker.port) }
        business = try platform.business(platform.ledger(bell: nil))
        for role in Self.roles { setClock(of: role.name, "+0") }
    }

    // MARK: - Processes

    func start(_ name: String, with changes: [String: String] = [:]) throws {
        guard let role = Self.roles.first(where: { $0.name == name }) else { throw CommandFailure(.usage, "there is no role \(name)") }
        let environment = try environment(role.name, side: role.side).merging(changes) { $1 }
        let process = try ChildProcess(name, program: Self.executable, arguments: role.words, environment: environment)
        if let old = processes.withLock({ $0.updateValue(process, forKey: name) }) { keep(old) }
    }

    subscript(_ name: String) -> ChildProcess? { processes.withLock { $0[name] } }

    func kill(_ name: String) {
        guard let process = self[name] else { return }
        process.signal(SIGKILL)
        process.wait(within: .seconds(10))
    }

    /// Those that have ended by themselves: none should.
    var ended: [String] {
        processes.withLock { $0 }.compactMap { name, process in process.ending.map { "\(name) ended by itself: \($0)" } }.sorted()
    }

    /// Ends everything of the rig but its database.
    func stop() {
        let all = processes.withLock { $0 }
        for process in all.values { process.signal(SIGCONT) }
        for process in all.values { process.signal(SIGKILL) }
        for process in all.values { process.wait(within: .seconds(10)) }
        for process in all.values { keep(process) }
        for proxy in databaseProxies + brokerProxies { proxy.stop() }
        if let broker = try? platform.requiredBroker(), let connection = try? BrokerConnection(broker) {
            for queue in platform.catalog.queues.keys + [Topology.deadLetters] { _ = try? connection.deleteQueue(prefix + queue) }
            connection.close()
        }
    }

    func dropDatabase() {
        _ = try? Connection(platform.connection("chaos")).script("drop database if exists \(databaseName) with (force)")
    }

    private func keep(_ process: ChildProcess) {
        let number = starts.withLock { number in
            number += 1
            return number
        }
        let ending = process.ending.map { "\($0)" } ?? "lives"
        logs.withLock { $0.append(("\(process.name)-\(number)", process.log + process.output + "\n(\(ending))\n")) }
    }

    /// Writes the logs of all processes that there were.
    func writeLogs(into folder: String) throws {
        for (name, log) in logs.withLock({ $0 }) { try ChaosFolder.write(log, to: "\(folder)/\(name).log") }
    }

    // MARK: - Network and clocks

    func proxy(_ server: ChaosServers.Server, side: Int) -> FaultProxy {
        switch server {
        case .database: databaseProxies[side % 2]
        case .broker: brokerProxies[side % 2]
        }
    }

    /// Sets a process's clock ahead or back by so many seconds, as `+3600`.
    ///
    /// libfaketime reads the file once a second. The monotonic clock stays as it is, as when somebody sets a clock.
    func setClock(of name: String, _ offset: String) {
        try? ChaosFolder.write(offset + "\n", to: "\(folder)/\(name).clock")
    }

    /// Debian's `libfaketime`; nil where it is not installed, and then clocks do not jump.
    static let fakeTime: String? = [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    ].first { access($0, R_OK) == 0 }

    // MARK: - Database

    /// A connection that no proxy disturbs; tries until the server is there.
    func connect(within limit: Duration = .seconds(60)) throws -> Connection {
        let deadline = ContinuousClock.now + limit
        while true {
            do {
                var settings = try platform.connection("chaos")
                settings.database = databaseName
                settings.statementTimeout = .seconds(120)
                return try Connection(settings)
            } catch  where ContinuousClock.now < deadline {
                pauseThread(.milliseconds(100))
            }
        }
    }

    // MARK: - Environment

    static let executable: String = {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count)
        return String(decoding: path.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    private func environment(_ name: String, side: Int) throws -> [String: String] {
        let settings = platform.settings
        var environment = [
            "MILLRACE_DATABASE_URL": try Place(settings.database.url.reveal).url(port: databaseProxies[side].port, path: "/" + databaseName),
            "MILLRACE_AMQP_URL": try Place(settings.broker.url?.reveal ?? "").url(port: brokerProxies[side].port, path: nil),
            "MILLRACE_AMQP_PREFIX": prefix, "MILLRACE_AMQP_HEARTBEAT": "5s", "MILLRACE_DATABASE_LANES": "4", "MILLRACE_API_PORT": "\(apiPort)",
            "MILLRACE_API_RATE_LIMIT": "0", "MILLRACE_API_LOGIN_RATE_LIMIT": "0", "MILLRACE_METRICS_PORT": "\(FreePort.take())",
            "MILLRACE_SECURITY_ENCRYPTION_KEYS": settings.security.encryptionKeys?.reveal ?? "",
            "MILLRACE_SECURITY_TOKEN_KEY": settings.security.tokenKey?.reveal ?? "", "MILLRACE_SECURITY_PASSWORD_COST": "4",
            "MILLRACE_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8", "MILLRACE_WORKER_GRACE": "10s",
            "MILLRACE_DEFINITIONS_DIRECTORY": folder + "/definitions",
        ]
        if let library = Self.fakeTime {
            environment["LD_PRELOAD"] = library
            environment["FAKETIME_TIMESTAMP_FILE"] = "\(folder)/\(name).clock"
            environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "1"
            // Without it waits of a condition variable return at once when the monotonic clock is left alone (libfaketime 0.9.10).
            environment["FAKETIME_FORCE_MONOTONIC_FIX"] = "0"
            environment["FAKETIME_CACHE_DURATION"] = "1"
        }
        return environment
    }
}

/// Where a URL leads.
struct Place {
    let host: String
    let port: Int
    private let head: String
    private let tail: String

    init(_ url: String) throws {
        guard let scheme = url.firstRange(of: "://") else { throw CommandFailure(.configuration, "a server's URL cannot be read") }
        let end = url[scheme.upperBound...].firstIndex { $0 == "/" || $0 == "?" } ?? url.endIndex
        let start = url[scheme.upperBound..<end].lastIndex(of: "@").map { url.index(after: $0) } ?? scheme.upperBound
        let parts = url[start..<end].split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1]) else { throw CommandFailure(.configuration, "chaos wants server URLs with host and port") }
        host = String(parts[0])
        self.port = port
        head = String(url[..<start])
        tail = String(url[end...])
    }

    /// The same through a proxy on loopback, with another path if one is given.
    func url(port: Int, path: String?) -> String {
        guard let path else { return "\(head)127.0.0.1:\(port)\(tail)" }
        let query = tail.firstIndex(of: "?").map { String(tail[$0...]) } ?? ""
        return "\(head)127.0.0.1:\(port)\(path)\(query)"
    }
}
