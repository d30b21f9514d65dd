package import Business
package import Bytes
internal import Clocks
internal import Crypto
package import Engine
internal import Glibc
package import Postgres
internal import RabbitMQ
internal import Synchronization
package import Testing

/// A whole Millrace of real processes: the built executable, in as many roles as the test starts, on the test's own database and on queues with a prefix of
/// its own.
///
///     try await SystemRig.run { rig in
///         let relay = try rig.start("relay")
///         …
///     }
///
/// The processes get `MILLRACE_…` variables and nothing else. At the end all of them are killed and their queues removed; after a failure their logs are
/// printed (for that the suite has the trait `.tellingLogs`).
package final class SystemRig: Sendable {
    private struct State {
        var processes: [MillraceProcess] = []
        var proxies: [FaultProxy] = []
        var hasIssue = false
    }

    package let lanes: Database
    package let ledger: Ledger
    package let business: Business
    package let catalog: Catalog
    /// Where the API listens, when the test starts it.
    package let apiPort = FreePort.take()
    /// What every process gets.
    package let environment: [String: String]
    /// What no log may show: keys and the like.
    package let secrets: [String]
    private let prefix: String
    private let outer: SystemRig?
    private let state = Mutex(State())

    @TaskLocal static var current: SystemRig?

    /// Opens a rig on the test's database, or on another one, runs the body and ends everything whatever happens.
    package static func run<R>(
        with changes: [String: String] = [:], on database: TestDatabase = .current, _ body: (SystemRig) async throws -> R
    ) async throws -> R {
        let rig = try SystemRig(database, changes)
        let result: Result<R, any Error>
        do {
            result = .success(try await $current.withValue(rig) { try await body(rig) })
        } catch {
            rig.state.withLock { $0.hasIssue = true }
            result = .failure(error)
        }
        await rig.close()
        return try result.get()
    }

    /// Opens two rigs, each with a database of its own from this template: two installations of Millrace.
    package static func runPair<R>(on template: DatabaseTemplate, _ body: (SystemRig, SystemRig) async throws -> R) async throws -> R {
        let database = try await TestDatabase.create(from: template)
        let result: Result<R, any Error>
        do {
            result = .success(try await run { first in try await run(on: database) { second in try await body(first, second) } })
        } catch {
            result = .failure(error)
        }
        await database.drop()
        return try result.get()
    }

    private init(_ database: TestDatabase, _ changes: [String: String]) throws {
        outer = Self.current
        catalog = try Catalog.embedded()
        ledger = Ledger(catalog: catalog, bell: nil)
        lanes = try database.lanes(3)
        prefix = "s\(Identifier.next().text("x").suffix(24))."
        let key = "1:" + Base64.standard.encode(RandomBytes.make(32))
        let tokenKey = Base64.urlUnpadded.encode(RandomBytes.make(33))
        secrets = [String(key.dropFirst(2)), tokenKey]
        var rules = Rules()
        rules.passwordCost = 4
        business = Business(ledger: ledger, keys: try EncryptionKeys(text: Secret(key)), rules: rules)
        environment = [
            "MILLRACE_DATABASE_URL": database.url, "MILLRACE_DATABASE_LANES": "3", "MILLRACE_AMQP_URL": try TestServers.rabbitMQ(),
            "MILLRACE_AMQP_PREFIX": prefix, "MILLRACE_AMQP_HEARTBEAT": "5s", "MILLRACE_API_PORT": "\(apiPort)", "MILLRACE_API_RATE_LIMIT": "0",
            "MILLRACE_API_LOGIN_RATE_LIMIT": "0", "MILLRACE_SECURITY_ENCRYPTION_KEYS": key, "MILLRACE_SECURITY_TOKEN_KEY": tokenKey,
            "MILLRACE_SECURITY_PASSWORD_COST": "4", "MILLRACE_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8", "MILLRACE_SCHEDULER_RESCUE_AFTER": "1s",
        ].merging(changes) { $1 }
    }

    // MARK: - Processes

    /// Starts the executable with these words.
    package func start(_ words: String..., with changes: [String: String] = [:]) throws -> MillraceProcess {
        try start(words, with: changes)
    }

    package func start(_ words: [String], with changes: [String: String] = [:]) throws -> MillraceProcess {
        var environment = environment
        environment["MILLRACE_METRICS_PORT"] = "\(FreePort.take())"
        environment.merge(changes) { $1 }
        environment = environment.filter { !$0.value.isEmpty }
        return try keep(MillraceProcess(words.joined(separator: "-"), program: Self.executable, arguments: words, environment: environment))
    }

    /// Runs a command to its end.
    package func command(
        _ words: String..., with changes: [String: String] = [:], within limit: Duration = .seconds(30)
    ) async throws -> (code: Int32, output: String, log: String) {
        let process = try start(words, with: changes)
        guard case .code(let code) = try await process.end(within: limit) else { return (-1, process.output, process.log) }
        return (code, process.output, process.log)
    }

    /// Starts a program that is not ours.
    package func foreign(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws -> MillraceProcess {
        try keep(MillraceProcess("foreign", program: program, arguments: arguments, environment: environment))
    }

    private func keep(_ process: MillraceProcess) -> MillraceProcess {
        state.withLock { $0.processes.append(process) }
        return process
    }

    package var processes: [MillraceProcess] { state.withLock { $0.processes } }

    /// Beside the running tests: SwiftPM puts all executables of a build into one folder.
    package static let executable: String = {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count)
        let tests = String(decoding: path.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return (tests.lastIndex(of: "/").map { String(tests[...$0]) } ?? "") + "millrace"
    }()

    /// A proxy in front of the server that this variable's URL leads to, and the change that leads processes through it.
    package func proxy(for variable: String) throws -> (FaultProxy, change: [String: String]) {
        let url = environment[variable] ?? ""
        guard let scheme = url.firstRange(of: "://") else { throw UnreadableURL(variable: variable) }
        let end = url[scheme.upperBound...].firstIndex { $0 == "/" || $0 == "?" } ?? url.endIndex
        let start = url[scheme.upperBound..<end].lastIndex(of: "@").map { url.index(after: $0) } ?? scheme.upperBound
        let parts = url[start..<end].split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1]) else { throw UnreadableURL(variable: variable) }
        let proxy = FaultProxy(to: String(parts[0]), port: port)
        state.withLock { $0.proxies.append(proxy) }
        return (proxy, [variable: url[..<start] + "127.0.0.1:\(proxy.port)" + url[end...]])
    }

    package struct UnreadableURL: Error {
        let variable: String
    }

    /// The repository's folder, found from this file.
    package static let repository = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")

    // MARK: - The database

    /// Runs the body in a transaction on one of the rig's own connections, which no proxy disturbs.
    @discardableResult
    package func act<R: Sendable>(_ body: @escaping @Sendable (Connection, Business) throws -> R) async throws -> R {
        let business = business
        return try await lanes.transaction { try body($0, business) }
    }

    package func count(_ sql: String) async throws -> Int {
        try await act { connection, _ in try connection.run(.once(sql)).only()(0) }
    }

    package func job(_ id: Identifier) async throws -> JobRecord? {
        let ledger = ledger
        return try await lanes.run { try ledger.find(id, on: $0) }
    }

    /// Waits until the job is in this state.
    @discardableResult
    package func job(_ id: Identifier, is wanted: JobState, within limit: Duration = .seconds(30)) async throws -> JobRecord? {
        try await eventually("job \(id) is \(wanted)", within: limit) { try await job(id)?.state == wanted }
        return try await job(id)
    }

    // MARK: - The end

    func noteIssue() {
        state.withLock { $0.hasIssue = true }
        outer?.noteIssue()
    }

    private func close() async {
        let (processes, proxies, hasIssue) = state.withLock { ($0.processes, $0.proxies, $0.hasIssue) }
        if hasIssue { await tellLedger() }
        for process in processes { process.signal(SIGKILL) }
        for process in processes { _ = try? await process.end() }
        for proxy in proxies { proxy.stop() }
        if hasIssue { for process in processes { Self.tell(process) } }
        await wipeBroker()
        lanes.stop()
    }

    /// Removes the rig's queues with all that is in them, as when the broker has lost its disk.
    package func wipeBroker() async {
        let names = catalog.queues.keys.map { prefix + $0 } + [prefix + Topology.deadLetters]
        await offPool {
            guard let url = try? TestServers.rabbitMQ(), let settings = try? BrokerSettings(url: url),
                let connection = try? BrokerConnection(settings)
            else { return }
            for name in names { _ = try? connection.deleteQueue(name) }
            connection.close()
        }
    }

    /// What waits, runs and has ended, at the time of the failure.
    private func tellLedger() async {
        let lines = try? await act { connection, _ -> [String] in
            try [
                """
                select 'outbox: ' || concat_ws(' ', count(*), kind, state, 'due=' || (run_at <= now()), 'suspect=' || suspect, 'resends=' || resends,
                    'publish=' || publish) as line from outbox group by kind, state, run_at <= now(), suspect, resends, publish
                """,
                """
                select 'jobs: ' || concat_ws(' ', count(*), kind, state, 'attempt=' || attempt, 'runs=' || runs, 'deaths=' || deaths,
                    'suspect=' || suspect, worker_id) as line
                from living_jobs join (select id, runs, deaths, suspect from jobs) j using (id) group by kind, state, attempt, runs, deaths, suspect, worker_id
                """,
                "select 'finished: ' || concat_ws(' ', count(*), kind, state, error_code) as line from finished_jobs group by kind, state, error_code",
                "select 'worker: ' || concat_ws(' ', id, process, role, 'beats=' || beats, 'running=' || running) as line from workers",
                "select 'dead worker: ' || concat_ws(' ', worker_id, died_at) as line from worker_deaths",
            ].flatMap { sql in try connection.run(.once(sql)).map { try $0("line") as String } }
        }
        print("──── ledger ────")
        for line in lines ?? ["cannot be read"] { print("  \(line)") }
    }

    private static func tell(_ process: MillraceProcess) {
        let ending = process.ending.map { "\($0)" } ?? "?"
        print("──── \(process.name) (\(process.id), \(ending)) ────")
        for line in process.log.split(separator: "\n").suffix(60) { print("  \(line)") }
        if !process.output.isEmpty { print("  ── output\n\(process.output.suffix(4000))") }
    }
}

extension Trait where Self == IssueHandlingTrait {
    /// After an issue the logs of the test's processes are printed.
    package static var tellingLogs: IssueHandlingTrait {
        .compactMapIssues { issue in
            SystemRig.current?.noteIssue()
            return issue
        }
    }
}
