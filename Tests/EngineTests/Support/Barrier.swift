import Lanes
import Synchronization

/// Holds handlers until the test lets them go, and counts those that came.
final class Barrier: Sendable {
    private let opened = Mailbox<Never>()
    private let arrivals = Mutex(0)

    /// How many have come so far.
    var count: Int { arrivals.withLock { $0 } }

    /// Blocks its thread: for atomic handlers, which own a lane.
    func pass() {
        arrivals.withLock { $0 += 1 }
        _ = opened.take()
    }

    /// Waits as a task and throws when it is cancelled: for leased handlers.
    func wait() async throws {
        arrivals.withLock { $0 += 1 }
        while !opened.isClosed { try await Task.sleep(for: .milliseconds(2)) }
    }

    func open() { opened.close() }
}
