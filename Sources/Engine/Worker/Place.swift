internal import Synchronization

/// The place that a leased run takes among its queue's concurrent ones; given back once, at the run's end or before.
final class Place: Sendable {
    enum State { case taken, aside, left }

    private let state = Mutex(State.taken)
    private let stepAside: @Sendable () -> Bool
    private let leave: @Sendable (_ wasAside: Bool) -> Void

    /// - Parameters:
    ///   - stepAside: asks for room among those that stand aside; false when there is none.
    ///   - leave: the run has ended.
    init(stepAside: @escaping @Sendable () -> Bool, leave: @escaping @Sendable (_ wasAside: Bool) -> Void) {
        self.stepAside = stepAside
        self.leave = leave
    }

    /// Lets another run begin while this one only waits for somebody.
    func giveUp() -> Bool {
        state.withLock { state in
            guard state == .taken, stepAside() else { return state == .aside }
            state = .aside
            return true
        }
    }

    func end() {
        let before = state.withLock { state in
            let before = state
            state = .left
            return before
        }
        if before != .left { leave(before == .aside) }
    }
}
