import Synchronization
import Testing

/// Lets so many tests of this target run at once: each is a whole engine, with some twenty connections to the database and the processor time of one.
struct Turnstile: SuiteTrait, TestTrait, TestScoping {
    private static let slots = Slots(6)

    var isRecursive: Bool { true }

    func provideScope(for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void) async throws {
        await Self.slots.take()
        defer { Self.slots.give() }
        try await function()
    }
}

extension Trait where Self == Turnstile {
    /// A few at a time.
    static var whole: Turnstile { Turnstile() }
}

private final class Slots: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(_ count: Int) { state = Mutex(State(free: count)) }

    func take() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free > 0 else {
                    state.waiting.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    func give() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.waiting.isEmpty {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
