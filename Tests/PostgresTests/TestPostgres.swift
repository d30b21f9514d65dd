import Glibc
import Lanes
import Postgres
import Synchronization
import TestSupport
import Testing

/// Runs a blocking body on a thread of its own with a connection to the test's database, so that it does not hold one of the pool's few threads.
func withConnection<R: Sendable>(
    _ change: @Sendable (inout ConnectionSettings) -> Void = { _ in }, _ body: @escaping @Sendable (Connection) throws -> R
) async throws -> R {
    var settings = try TestDatabase.current.settings
    change(&settings)
    let lanes = Database(settings, lanes: 1, name: "test")
    defer { lanes.stop() }
    return try await lanes.run(body)
}

/// The error of the type that the body throws; anything else fails the test.
///
/// In place of `#expect(throws:)`, and never in the arguments of `#expect`: with Swift 6.3.1 a closure beside a macro that takes a closure was seen to run the
/// macro's closure instead of its own, when both stand inside another closure.
@discardableResult
func thrown<E: Error, R>(_: E.Type, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> R) -> E? {
    do {
        _ = try body()
        Issue.record("expected \(E.self), but nothing was thrown", sourceLocation: sourceLocation)
    } catch let error as E {
        return error
    } catch {
        Issue.record("expected \(E.self), but \(error) was thrown", sourceLocation: sourceLocation)
    }
    return nil
}

/// The `PostgresError` that the asynchronous body throws.
func postgresError<R>(sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> R) async -> PostgresError? {
    do {
        _ = try await body()
        Issue.record("expected PostgresError, but nothing was thrown", sourceLocation: sourceLocation)
    } catch let error as PostgresError {
        return error
    } catch {
        Issue.record("expected PostgresError, but \(error) was thrown", sourceLocation: sourceLocation)
    }
    return nil
}

/// The `PostgresError` that the body throws.
func postgresError<R>(sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> R) -> PostgresError? {
    thrown(PostgresError.self, sourceLocation: sourceLocation, body)
}

/// Waits until some session of the test's database waits for a lock.
func waitUntilBlocked(_ connection: Connection) throws {
    try eventually {
        try connection.run(.once("SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")).count > 0
    }
}

/// Asks again and again until the answer is yes; the test fails after ten seconds.
///
/// For threads that may block.
func eventually(_ condition: () throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let deadline = ContinuousClock.now + .seconds(10)
    while try !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("the condition did not come true in time", sourceLocation: sourceLocation)
            return
        }
        sched_yield()
    }
}

/// Carries a result from a thread to the one that joins it.
final class Outcome<Value: Sendable>: Sendable {
    private let stored = Mutex<Value?>(nil)

    var value: Value? { stored.withLock { $0 } }

    func set(_ value: Value) { stored.withLock { $0 = value } }
}

/// A socket of the loopback that takes connections (the kernel does) and never answers.
struct SilentListener: ~Copyable {
    private let descriptor: Int32
    let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let own = descriptor
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(own, address, length) | listen(own, 128) | getsockname(own, address, &length)
            }
        }
        try #require(status == 0)
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }

    /// How many connections were made since the last call.
    func newConnections() -> Int {
        var count = 0
        while true {
            let connection = accept(descriptor, nil, nil)
            guard connection >= 0 else { return count }
            close(connection)
            count += 1
        }
    }
}
