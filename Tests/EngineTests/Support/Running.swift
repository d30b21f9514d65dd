import Synchronization

/// How many of each key are inside at the same time, seen from inside the handlers of this process.
final class Running: Sendable {
    private struct State {
        var now: [String: Int] = [:]
        var most: [String: Int] = [:]
        var entered = 0
    }

    private let state = Mutex(State())

    func enter(_ key: String) {
        state.withLock { state in
            state.now[key, default: 0] += 1
            state.most[key] = max(state.most[key] ?? 0, state.now[key] ?? 0)
            state.entered += 1
        }
    }

    func leave(_ key: String) { state.withLock { $0.now[key, default: 0] -= 1 } }

    /// The most that were inside at once.
    func most(_ key: String) -> Int { state.withLock { $0.most[key] ?? 0 } }
    func now(_ key: String) -> Int { state.withLock { $0.now[key] ?? 0 } }
    var entered: Int { state.withLock { $0.entered } }
}
