internal import Bytes
internal import Synchronization

/// A stream of Server-Sent Events: a handler returns it in a response, and any task sends onto it until the client is gone or `finish` is called.
///
/// Between the sender and the socket stands a buffer with a limit. A client that does not read until the limit is reached loses its stream: it
/// connects again and says by `Last-Event-ID` where it was. The alternatives, waiting or dropping single events, would let one slow browser hold
/// up the sender, or show it a picture with holes.
///
/// Towards the server it is a pipe whose reader may be asleep: `read` either takes bytes, or leaves a `wake` behind that is called once, by
/// whoever puts the next bytes in. Both happen under one lock, so a reader cannot fall asleep over an event that just arrived.
package final class EventSource: Sendable {
    private struct State {
        var buffer: [UInt8] = Array(":\n\n".utf8)
        var head = 0
        var stage = Stage.open
        var wake: (@Sendable () -> Void)?
        var lastTaken = monotonicNanoseconds()
        var taken = 0
        var isAttached = false
        var onClose: [@Sendable () -> Void] = []

        var waiting: Int { buffer.count - head }
    }

    /// open → finished (what is buffered is still sent) → closed; or open → aborted (nothing more is sent) → closed.
    private enum Stage { case open, finished, aborted, closed }

    enum Taken { case bytes(Int), end, abort, wait }

    private let bufferLimit: Int
    private let state = Mutex(State())

    /// Makes a stream that keeps at most `bufferLimit` bytes for a client that does not read.
    package init(bufferLimit: Int = 256 << 10) { self.bufferLimit = bufferLimit }

    /// Sends an event; false when nobody will get it any more, because the client is gone, the stream is finished, or its buffer ran over.
    ///
    /// Line breaks in `data` become several data lines, as the format wants it; `event` and `id` lose theirs.
    @discardableResult
    package func send(event: String? = nil, data: String, id: String? = nil) -> Bool {
        var text: [UInt8] = []
        if let id { text += "id: \(id.oneLine)\n".utf8 }
        if let event { text += "event: \(event.oneLine)\n".utf8 }
        for line in data.split(omittingEmptySubsequences: false, whereSeparator: \.endsLine) { text += "data: \(line)\n".utf8 }
        text.append(UInt8(ascii: "\n"))
        return put(text)
    }

    /// Ends the stream after what was sent so far.
    package func finish() {
        state.withLock { state in
            guard state.stage == .open else { return }
            state.stage = .finished
            Self.wakeReader(&state)
        }
    }

    /// Whether an event could still reach the client.
    package var isOpen: Bool { state.withLock { $0.stage == .open } }

    /// Calls the closure once, when the stream is over for whatever reason; at once when it is over already.
    ///
    /// It must not block.
    package func onClose(_ body: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { state in
            if state.stage != .closed { state.onClose.append(body) }
            return state.stage == .closed
        }
        if isOver { body() }
    }

    // MARK: The server's side

    /// Claims the stream for one response; false when it already has one.
    func attach() -> Bool {
        state.withLock { state in
            defer { state.isAttached = true }
            return !state.isAttached
        }
    }

    /// Takes up to `limit` bytes; or calls `sleep`, under the lock, and keeps `wake` for the next bytes.
    func read(_ limit: Int, take: (ArraySlice<UInt8>) -> Void, sleep: () -> Void, wake: @escaping @Sendable () -> Void) -> Taken {
        state.withLock { state in
            if state.stage == .aborted || state.stage == .closed { return .abort }
            let count = min(limit, state.waiting)
            guard count > 0 else {
                if state.stage == .finished { return .end }
                state.wake = wake
                sleep()
                return .wait
            }
            take(state.buffer[state.head..<state.head + count])
            state.head += count
            state.taken += count
            state.lastTaken = monotonicNanoseconds()
            if state.head == state.buffer.count {
                state.buffer.removeAll(keepingCapacity: state.buffer.capacity <= 16 << 10)
                state.head = 0
            }
            return .bytes(count)
        }
    }

    /// Puts a comment line into a stream that was silent for this long: it keeps proxies from closing it, and finds out that a client is gone.
    func beat(now: Int64, silence: Int64) {
        state.withLock { state in
            guard state.stage == .open, state.wake != nil, now - state.lastTaken >= silence else { return }
            state.buffer += ":\n\n".utf8
            Self.wakeReader(&state)
        }
    }

    /// Ends the stream without sending the rest.
    func abort() {
        state.withLock { state in
            guard state.stage == .open || state.stage == .finished else { return }
            state.stage = .aborted
            Self.wakeReader(&state)
        }
    }

    /// The response is over: tells those who asked.
    func close() {
        let closures = state.withLock { state in
            guard state.stage != .closed else { return [@Sendable () -> Void]() }
            state.stage = .closed
            state.wake = nil
            state.buffer = []
            state.head = 0
            defer { state.onClose = [] }
            return state.onClose
        }
        for closure in closures { closure() }
    }

    /// Bytes that went to the socket.
    var taken: Int { state.withLock { $0.taken } }

    private func put(_ text: [UInt8]) -> Bool {
        state.withLock { state in
            guard state.stage == .open else { return false }
            if state.waiting + text.count > bufferLimit {
                state.stage = .aborted
                Self.wakeReader(&state)
                return false
            }
            if state.head > 4096, state.head * 2 > state.buffer.count {
                state.buffer.removeFirst(state.head)
                state.head = 0
            }
            state.buffer += text
            Self.wakeReader(&state)
            return true
        }
    }

    private static func wakeReader(_ state: inout State) {
        guard let wake = state.wake else { return }
        state.wake = nil
        wake()
    }
}

extension String {
    fileprivate var oneLine: String { contains { $0.endsLine || $0 == "\0" } ? filter { !$0.endsLine && $0 != "\0" } : self }
}

extension Character {
    /// The three line ends of the event stream format; other Unicode line breaks are text in it.
    fileprivate var endsLine: Bool { self == "\n" || self == "\r" || self == "\r\n" }
}
