internal import Synchronization

/// The wish to stop, from any task to the gate, and the news that it has happened, back to all who wait.
final class StopOrders: Sendable {
    private struct State {
        var grace: Int64?
        var isDone = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// The shortest grace that anybody gave, in nanoseconds, since the last look; nil when nobody wants to stop.
    var grace: Int64? {
        state.withLock { state in
            defer { state.grace = nil }
            return state.grace
        }
    }

    /// Wants the server to stop, rings at the gate, and returns when it has.
    func stop(grace: Duration, ring: () -> Void) async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.isDone { return true }
                state.grace = min(state.grace ?? .max, grace.nanoseconds)
                state.waiting.append(continuation)
                return false
            }
            if isDone { continuation.resume() } else { ring() }
        }
    }

    /// The server has stopped.
    func fulfil() {
        let waiting = state.withLock { state in
            state.isDone = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
