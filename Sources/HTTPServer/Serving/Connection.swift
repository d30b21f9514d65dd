internal import Bytes
internal import Glibc
internal import Synchronization

/// One TCP connection, from accept to close.
///
/// Three threads meet here: the library's event loop, which alone reads and writes the socket; the gate, which looks at the clock; and the tasks that
/// answer. Only the event loop closes the descriptor, and it says so first by `close`, under the same lock that `cut` takes, so that a cut never
/// hits a descriptor that already belongs to somebody else.
final class Connection: Sendable {
    private struct State {
        /// From the event loop's first word to its last: only then is the descriptor surely this connection's.
        var isServed = false
        var exchange: Exchange?
        var quietSince = monotonicNanoseconds()
        /// When the other end said that it sends nothing more.
        var halfClosedSince: Int64?
    }

    let id: UInt64
    let descriptor: Int32
    let address: String
    private let state = Mutex(State())

    init(id: UInt64, descriptor: Int32, address: String) {
        self.id = id
        self.descriptor = descriptor
        self.address = address
    }

    /// The request in hand.
    var exchange: Exchange? { state.withLock { $0.exchange } }

    func begin(_ exchange: Exchange) { state.withLock { $0.exchange = exchange } }

    func end() {
        state.withLock { state in
            state.exchange = nil
            state.quietSince = monotonicNanoseconds()
        }
    }

    /// Shuts the socket in both directions; the event loop notices and cleans up.
    func cut() {
        state.withLock { state in
            if state.isServed { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    /// The close that follows is a reset, which throws away what was not sent.
    func prepareReset() {
        state.withLock { state in
            guard state.isServed else { return }
            var linger = linger(l_onoff: 1, l_linger: 0)
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        }
    }

    /// An event loop has taken it.
    func open() { state.withLock { $0.isServed = true } }

    /// The event loop is about to close the descriptor.
    func close() { state.withLock { $0.isServed = false } }

    /// The other end has closed its half.
    ///
    /// A stream is over by that; a request that was sent whole before is still answered.
    func peerClosed() {
        let exchange = state.withLock { state in
            state.halfClosedSince = monotonicNanoseconds()
            return state.exchange
        }
        exchange?.clientGone()
    }

    var isHalfClosed: Bool { state.withLock { $0.halfClosedSince != nil } }

    /// Cuts the connection when its client went away in the middle of a request: it has closed, all that it sent was read, and that was not enough.
    ///
    /// The library does not see it when the last bytes and the close arrive together, because it waits for the next edge, which never comes.
    func cutIfAbandoned(now: Int64, after nanoseconds: Int64) {
        guard exchange?.isReceiving ?? true else { return }
        state.withLock { state in
            guard state.isServed, let since = state.halfClosedSince, now - since >= nanoseconds else { return }
            var byte: UInt8 = 0
            if unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) == 0 { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    /// Whether there has been no request for so long; bytes of a request line that never ends do not count.
    func isQuiet(now: Int64, longerThan nanoseconds: Int64) -> Bool {
        state.withLock { $0.exchange == nil && now - $0.quietSince > nanoseconds }
    }
}
