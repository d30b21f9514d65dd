internal import Glibc
internal import HTTPServer
internal import Lanes
internal import Synchronization
internal import Testing

/// Runs something that blocks on a thread of its own and brings the result back.
func onThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await Task(executorPreference: ClientThreads.shared) { try body() }.value
}

/// Gives every piece of a task a thread of its own.
///
/// The task stays the same task, so an expectation that fails on the thread is its test's.
private final class ClientThreads: TaskExecutor {
    static let shared = ClientThreads()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        _ = Thread("test-client") { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// Starts a server on a free port, runs the body, and stops the server.
func withServer<R>(
    settings: ServerSettings = ServerSettings(), log: Log? = nil, _ handler: @escaping Server.Handler, _ body: (Server) async throws -> R
) async throws -> R {
    var settings = settings
    settings.port = 0
    let server = Server(settings, onFinished: { log?.add($0) }, handler: handler)
    try server.start()
    do {
        let result = try await body(server)
        await server.stop(grace: .seconds(5))
        return result
    } catch {
        await server.stop(grace: .zero)
        throw error
    }
}

/// One request on a connection of its own.
func fetch(_ server: Server, _ method: String = "GET", _ target: String = "/", _ fields: String = "", body: String = "") async throws -> RawResponse {
    let port = server.port
    return try await onThread {
        let client = try RawClient(port: port)
        let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
        try client.send("\(method) \(target) HTTP/1.1\r\nHost: test\r\n\(length)\(fields)\r\n\(body)")
        return try client.response(toHead: method == "HEAD")
    }
}

/// Waits until the condition holds; false when it does not within ten seconds.
func eventually(_ condition: () -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + .seconds(10)
    while !condition() {
        if ContinuousClock.now > deadline { return false }
        try? await Task.sleep(for: .milliseconds(2))
    }
    return true
}

/// What the server says about requests that are over.
final class Log: Sendable {
    private let entries = Mutex<[RequestSummary]>([])

    func add(_ summary: RequestSummary) { entries.withLock { $0.append(summary) } }

    var all: [RequestSummary] { entries.withLock { $0 } }
}

final class Counter: Sendable {
    private let number = Atomic(0)

    func add(_ amount: Int = 1) { number.add(amount, ordering: .relaxed) }

    var value: Int { number.load(ordering: .relaxed) }
}

/// Something that happens once, and those who wait for it.
final class Signal: Sendable {
    private struct State {
        var isGiven = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let closing = Mailbox<Never>()

    func give() {
        closing.close()
        let waiting = state.withLock { state in
            state.isGiven = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Waits on a thread that may block.
    func blockingWait() { _ = closing.take(timeout: .seconds(20)) }

    /// Waits without looking at cancellation, as careless code does.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isGiven = state.withLock { state in
                if !state.isGiven { state.waiting.append(continuation) }
                return state.isGiven
            }
            if isGiven { continuation.resume() }
        }
    }
}

/// Fails the test when the condition does not come to hold.
///
/// A closure inside `#expect(…)` can be mixed up with its neighbours by the compiler (Swift 6.3.1), so the waiting stands outside of the macro.
func happens(_ condition: () -> Bool) async throws {
    let happened = await eventually(condition)
    try #require(happened)
}
