internal import Synchronization

/// Lets a suspect job run alone in its process: ordinary runs share the gate, a suspect's run has it to itself.
///
/// A job that was in hand when a worker died may be what killed it. Alone, a further death has only one possible cause.
final class SoloGate: Sendable {
    private struct State {
        var shared = 0
        var alone = false
        var lastWasAlone = false
        var waitingAlone: [CheckedContinuation<Void, Never>] = []
        var waitingShared: [(count: Int, CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    /// How many wait to enter.
    var waiting: (shared: Int, alone: Int) { state.withLock { ($0.waitingShared.count, $0.waitingAlone.count) } }

    /// Enters with others; waits while a suspect runs or waits to run.
    func enterShared(_ count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let enters = state.withLock { state in
                if state.alone || !state.waitingAlone.isEmpty {
                    state.waitingShared.append((count, continuation))
                    return false
                }
                state.shared += count
                return true
            }
            if enters { continuation.resume() }
        }
    }

    /// Enters alone; waits until everybody has left.
    func enterAlone() async {
        await withCheckedContinuation { continuation in
            let enters = state.withLock { state in
                if state.alone || state.shared > 0 {
                    state.waitingAlone.append(continuation)
                    return false
                }
                state.alone = true
                return true
            }
            if enters { continuation.resume() }
        }
    }

    func leaveShared(_ count: Int = 1) {
        leave { $0.shared -= count }
    }

    func leaveAlone() {
        leave { $0.alone = false }
    }

    private func leave(_ change: (inout State) -> Void) {
        let resumed: [CheckedContinuation<Void, Never>] = state.withLock { state in
            change(&state)
            if state.alone || state.shared > 0 { return [] }
            // Ordinary work first, so that a row of suspects does not shut a queue; then one suspect.
            if !state.waitingShared.isEmpty, state.waitingAlone.isEmpty || state.lastWasAlone {
                let entering = state.waitingShared
                state.waitingShared = []
                state.shared = entering.reduce(0) { $0 + $1.count }
                state.lastWasAlone = false
                return entering.map { $0.1 }
            }
            guard !state.waitingAlone.isEmpty else { return [] }
            state.alone = true
            state.lastWasAlone = true
            return [state.waitingAlone.removeFirst()]
        }
        for continuation in resumed { continuation.resume() }
    }
}
