/// Some lanes that share a queue of work.
///
/// A lane is one thread that owns what it works with (a database connection), which never leaves it.
///
/// `run` carries a closure to a free lane, blocks there as long as it likes, and brings the result back; the caller's task only suspends. The closure
/// is handed the lane's resource, made by `make` on the lane itself before its first work, and released there when the lane ends.
package final class LanePool<Resource>: Sendable {
    private let work = Mailbox<@Sendable (Resource) -> Void>()
    private let threads: [Thread]

    /// Starts `count` lanes, at least one.
    package init(_ name: String, count: Int, make: @escaping @Sendable (_ lane: Int) -> Resource) {
        precondition(count > 0, "work without a lane would wait for ever")
        let work = work
        threads = (0..<count).map { lane in
            Thread("\(name)-\(lane)") {
                var resource: Resource?
                while let next = work.take() {
                    let own = resource ?? make(lane)
                    resource = own
                    next(own)
                }
            }
        }
    }

    /// Nobody can put work in any more: the lanes do what is there and end, as after `stop`.
    deinit { work.close() }

    /// Runs the closure on a free lane and returns what it returns.
    ///
    /// Work that was accepted is always done: neither cancelling the caller's task nor `stop` takes it back.
    ///
    /// - Throws: what the closure throws, or `LanePoolStopped` after `stop`.
    package func run<R: Sendable>(_ body: @escaping @Sendable (Resource) throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<R, any Error>) in
            let accepted = work.put { resource in
                continuation.resume(with: Result { try body(resource) })
            }
            if !accepted { continuation.resume(throwing: LanePoolStopped()) }
        }
    }

    /// Puts work on the queue without waiting for it; false after `stop`.
    @discardableResult
    package func submit(_ body: @escaping @Sendable (Resource) -> Void) -> Bool { work.put(body) }

    /// How much work waits for a lane.
    package var waiting: Int { work.count }

    /// Refuses new work; the lanes end when the queue is empty.
    package func stop() { work.close() }

    /// Waits until all lanes have ended; false when the time was over first.
    ///
    /// Blocks the calling thread.
    @discardableResult
    package func join(timeout: Duration) -> Bool {
        let deadline = ContinuousClock.now + timeout
        for thread in threads where !thread.join(timeout: max(.zero, deadline - .now)) { return false }
        return true
    }
}

/// The lanes were stopped before this work could start; nothing of it has happened.
package struct LanePoolStopped: Error {
    package init() {}
}
