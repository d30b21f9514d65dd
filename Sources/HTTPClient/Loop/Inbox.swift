internal import CLinux
internal import Glibc
internal import Synchronization

/// The one way into the loop from other threads: a list, and a descriptor that wakes epoll.
///
/// The descriptor is written only when the list becomes non-empty, so a burst of a thousand requests costs one wake-up.
final class Inbox: Sendable {
    enum Message: Sendable {
        case start(Order)
        case cancel(UInt64)
        case resolved(Lookup, Result<[IPAddress], Resolver.Failure>)
    }

    private struct State {
        var messages: [Message] = []
        var isClosed = false
    }

    let descriptor: Int32
    private let state = Mutex(State())

    init() {
        descriptor = clinux_eventfd()
        precondition(descriptor >= 0, "the system has room for one more event descriptor")
    }

    deinit { Glibc.close(descriptor) }

    /// False when the inbox is closed and the message was not taken in.
    @discardableResult
    func post(_ message: Message) -> Bool {
        let (accepted, wakes) = state.withLock { state in
            if state.isClosed { return (false, false) }
            state.messages.append(message)
            return (true, state.messages.count == 1)
        }
        if wakes { wake() }
        return accepted
    }

    /// Refuses further messages and lets the loop end.
    func close() {
        state.withLock { $0.isClosed = true }
        wake()
    }

    /// Everything that has arrived; to be called after `descriptor` became readable.
    func take() -> (messages: [Message], isClosed: Bool) {
        // The counter is reset before the list is read: a message that comes in between wakes once too often, never once too seldom.
        var count: UInt64 = 0
        _ = unsafe read(descriptor, &count, 8)
        return state.withLock { state in
            defer { state.messages = [] }
            return (state.messages, state.isClosed)
        }
    }

    private func wake() {
        var one: UInt64 = 1
        _ = unsafe write(descriptor, &one, 8)
    }
}
