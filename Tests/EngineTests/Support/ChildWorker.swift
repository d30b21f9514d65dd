import Bytes
import Engine
import Glibc
import JSON
import Lanes
import Postgres
import Synchronization
import TestSupport
import Testing

/// A worker in a process of its own, for tests in which it is killed: this test program once more, running `ChildWorkerMain` alone.
final class ChildWorker: Sendable {
    private let pid: pid_t
    private let status = Mutex<Int32?>(nil)

    /// Starts it on the rig's database and queues.
    init(_ rig: EngineRig) throws {
        let arguments = ["/proc/self/exe", "--testing-library", "swift-testing", "--filter", "ChildWorkerMain"]
        let database = TestDatabase.current.url
        let environment = try [
            "MILLRACE_TEST_POSTGRES=" + TestServers.postgres(), "MILLRACE_TEST_AMQP=" + TestServers.rabbitMQ(),
            "MILLRACE_TEST_CHILD=\(database) \(rig.prefix)", "PATH=/usr/bin:/bin",
        ]
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor in [STDOUT_FILENO, STDERR_FILENO] { posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0) }
        var started = pid_t()
        let argv = arguments.map { strdup($0) } + [nil]
        let envp = environment.map { strdup($0) } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        let program = try #require(realpath("/proc/self/exe", nil))
        defer { free(program) }
        try #require(posix_spawn(&started, program, &actions, nil, argv, envp) == 0)
        pid = started
    }

    deinit { kill() }

    /// Has it ended? It never ends by itself but by a poisonous job.
    var isDead: Bool {
        status.withLock { status in
            if status != nil { return true }
            var raw: Int32 = 0
            guard waitpid(pid, &raw, WNOHANG) == pid else { return false }
            status = raw
            return true
        }
    }

    /// SIGKILL: no handler runs, no connection says goodbye.
    func kill() {
        if isDead { return }
        Glibc.kill(pid, SIGKILL)
        status.withLock { status in
            var raw: Int32 = 0
            waitpid(pid, &raw, 0)
            status = raw
        }
    }

    /// Stands still, with all its connections, as in a frozen machine; or goes on.
    func freeze(_ frozen: Bool) { Glibc.kill(pid, frozen ? SIGSTOP : SIGCONT) }
}

/// Jobs that hang or kill, but only in a child.
enum Mortal {
    static let kinds = [
        TestKinds.kind("test.atomic", style: "atomic", timeout: "60s"), TestKinds.kind("test.leased", style: "leased", timeout: "60s"),
    ]
    static let queues = [TestKinds.queue("fast", batch: 5, concurrency: 4, prefetch: 50)]
    static let tables = "create sequence arrivals minvalue 0; create table effects (key text, attempt integer)"
    static let child = getenv("MILLRACE_TEST_CHILD").map { String(cString: $0) }

    static let handlers: [JobHandler] = [
        .atomic(
            "test.atomic",
            AtomicTestJob { payload, context in
                let (key, attempt) = (payload.key ?? "", context.job.attempt)
                try context.connection.run(.once("insert into effects values ($1, $2)"), key, attempt)
                if child != nil {
                    if key.hasPrefix("poison") { Glibc.kill(getpid(), SIGKILL) }
                    if key.hasPrefix("hang") {
                        try context.connection.script("select nextval('arrivals')")
                        pause(.seconds(60))
                    }
                }
                return .done()
            }),
        .leased(
            "test.leased",
            LeasedTestJob { payload, context in
                let (key, attempt) = (payload.key ?? "", context.job.attempt)
                if child != nil {
                    if key.hasPrefix("poison") { Glibc.kill(getpid(), SIGKILL) }
                    if key.hasPrefix("hang") {
                        try await context.database.run { try $0.script("select nextval('arrivals')") }
                        try await Task.sleep(for: .seconds(60))
                    }
                }
                return .done(committing: { try $0.run(.once("insert into effects values ($1, $2)"), key, attempt) })
            }),
    ]
}

/// What a child runs.
@Suite(.enabled(if: Mortal.child != nil))
struct ChildWorkerMain {
    @Test func `work until killed`() async throws {
        let parts = try #require(Mortal.child).split(separator: " ").map(String.init)
        let rig = try EngineRig(
            catalog: Catalog(jobs: Mortal.kinds, queues: Mortal.queues), handlers: Mortal.handlers, settings: ConnectionSettings(url: parts[0]),
            prefix: parts[1])
        let worker = try rig.worker()
        worker.start()
        // A test program that ends leaves no child behind.
        let parent = getppid()
        while getppid() == parent { try await Task.sleep(for: .milliseconds(50)) }
        Glibc.kill(getpid(), SIGKILL)
    }
}
