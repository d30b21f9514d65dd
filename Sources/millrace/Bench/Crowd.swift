internal import Synchronization

/// Handlers that are at work at the same time, as they see it themselves: the most there ever were is what a limit must not be exceeded by.
///
/// A handler is inside its permit from its first line to its last, so what is counted here is never more than what the engine let run.
final class Crowd: Sendable {
    struct Count: Sendable {
        var present = 0
        var most = 0
        /// Handlers that have come to their end.
        var ended = 0
    }

    private let state = Mutex(Count())

    func enter() {
        state.withLock { count in
            count.present += 1
            count.most = max(count.most, count.present)
        }
    }

    func leave() {
        state.withLock { count in
            count.present -= 1
            count.ended += 1
        }
    }

    /// Begins anew; who is present stays.
    func reset() { state.withLock { $0 = Count(present: $0.present, most: $0.present) } }

    var count: Count { state.withLock { $0 } }
}
