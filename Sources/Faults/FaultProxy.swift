internal import Glibc
internal import Lanes

/// A TCP proxy in front of a server that a test or a trial can take away: as a server that is down (connections are reset, new ones refused), or as a network that
/// swallows everything and says nothing.
///
/// One thread moves the bytes of all connections, each direction with a piece of its own: a side that does not read stops nobody else.
package final class FaultProxy: Sendable {
    private enum Mode {
        case open, cut, swallowing, ended
    }

    private struct Order {
        var mode: Mode?
        var snap: Snap?
        var isDone = Mailbox<Never>()
    }

    /// Where all connections break, once.
    private struct Snap {
        /// Messages of clients that still go through.
        var left: Int
        /// The server gets the message and acts on it, and its answer is lost.
        var isHeard: Bool
        /// From whom that answer will come.
        var answering: Int32?
    }

    package let port: Int
    private let address: Address
    private let listener: Int32
    /// A pipe: what is written into it wakes the thread.
    private let bell: [Int32]
    private let orders = Mailbox<Order>()

    private struct Address {
        var host: in_addr_t
        var port: UInt16
    }

    /// Forwards to an IPv4 address (or `localhost`) and port.
    package init(to host: String, port target: Int) {
        address = Address(host: inet_addr(host == "localhost" ? "127.0.0.1" : host), port: UInt16(clamping: target))
        port = FreePort.take()
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        var ends: [Int32] = [-1, -1]
        let isPipe = pipe(&ends) == 0
        for descriptor in ends { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        bell = ends
        var yes: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let bound = Self.with(Address(host: inet_addr("127.0.0.1"), port: UInt16(port))) { bind(listener, $0, $1) }
        precondition(isPipe && bound == 0 && listen(listener, 64) == 0, "a port that was free is free")
        _ = Thread("proxy") { [self] in run() }
    }

    /// Lets everything through (again).
    package func restore() { set(.open) }

    /// Resets all connections and refuses new ones, as when the server is down.
    package func cut() { set(.cut) }

    /// Takes connections and bytes and passes none on, as when a firewall has forgotten the connection; nobody is told.
    package func swallow() { set(.swallowing) }

    /// Lets so many further messages of clients through, then breaks all connections, once, and is open again.
    ///
    /// - Parameter heard: the message after those still reaches the server, which acts on it, and the answer is lost; otherwise the server never sees it.
    package func snap(after messages: Int, heard: Bool) { give(Order(snap: Snap(left: messages, isHeard: heard))) }

    /// No longer breaks anything.
    package func unsnap() { give(Order(snap: Snap(left: .max, isHeard: false))) }

    package func stop() { set(.ended) }

    deinit { for descriptor in bell { close(descriptor) } }

    /// Returns when it is so: what is cut and restored in one breath was cut.
    private func set(_ mode: Mode) { give(Order(mode: mode)) }

    private func give(_ order: Order) {
        guard orders.put(order) else { return }
        write(bell[1], [1], 1)
        _ = order.isDone.take(timeout: .seconds(5))
    }

    // MARK: - The thread

    /// One direction of a connection: what was read and is not yet written.
    private struct Direction {
        var to: Int32
        var isClient = false
        var waiting: ArraySlice<UInt8> = []
        var ended = false
    }

    private func run() {
        var directions: [Int32: Direction] = [:]
        var mode = Mode.open
        var snap = Snap(left: .max, isHeard: false)
        while mode != .ended {
            for order in orders.takeAll(timeout: .zero) {
                if let wanted = order.mode { change(&mode, to: wanted, &directions) }
                if let wanted = order.snap { snap = wanted }
                order.isDone.close()
            }
            if mode != .ended { turn(&directions, mode, &snap) }
        }
        orders.close()
        for order in orders.takeAll(timeout: .zero) { order.isDone.close() }
        close(listener)
    }

    private func change(_ mode: inout Mode, to wanted: Mode, _ directions: inout [Int32: Direction]) {
        guard wanted != mode, mode != .ended else { return }
        // What stood while everything was swallowed has lost bytes: it must not go on as if nothing had been.
        if wanted != .swallowing { reset(&directions) }
        if wanted == .cut || wanted == .ended { shutdown(listener, Int32(SHUT_RDWR)) }
        if mode == .cut, wanted != .ended { listen(listener, 64) }
        mode = wanted
    }

    private func turn(_ directions: inout [Int32: Direction], _ mode: Mode, _ snap: inout Snap) {
        var polled = [pollfd(fd: bell[0], events: Int16(POLLIN), revents: 0)]
        if mode != .cut { polled.append(pollfd(fd: listener, events: Int16(POLLIN), revents: 0)) }
        if mode == .open {
            for (socket, direction) in directions {
                var events = direction.waiting.isEmpty && !direction.ended ? POLLIN : 0
                if let back = directions[direction.to], !back.waiting.isEmpty { events |= POLLOUT }
                if events != 0 { polled.append(pollfd(fd: socket, events: Int16(events), revents: 0)) }
            }
        }
        poll(&polled, nfds_t(polled.count), -1)
        for entry in polled where entry.revents != 0 {
            if entry.fd == bell[0] {
                var byte: UInt8 = 0
                read(bell[0], &byte, 1)
            } else if entry.fd == listener {
                accept(into: &directions)
            } else {
                if entry.revents & Int16(POLLOUT) != 0, let from = directions[entry.fd]?.to { drain(from, &directions) }
                if entry.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 { take(entry.fd, &directions, &snap) }
            }
        }
    }

    private func accept(into directions: inout [Int32: Direction]) {
        let client = Glibc.accept(listener, nil, nil)
        guard client >= 0 else { return }
        _ = fcntl(client, F_SETFD, FD_CLOEXEC)
        _ = fcntl(client, F_SETFL, O_NONBLOCK)
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard Self.with(address, { connect(server, $0, $1) }) == 0 else {
            Self.reset(client)
            close(server)
            return
        }
        _ = fcntl(server, F_SETFL, O_NONBLOCK)
        var yes: Int32 = 1
        for socket in [client, server] { setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size)) }
        directions[client] = Direction(to: server, isClient: true)
        directions[server] = Direction(to: client)
    }

    private func take(_ socket: Int32, _ directions: inout [Int32: Direction], _ snap: inout Snap) {
        guard directions[socket]?.waiting.isEmpty == true else { return }
        var piece = [UInt8](repeating: 0, count: 65536)
        let count = recv(socket, &piece, piece.count, 0)
        if count < 0, errno == EAGAIN { return }
        guard count >= 0 else { return end(socket, &directions) }
        if count == 0 {
            directions[socket]?.ended = true
            if let to = directions[socket]?.to {
                shutdown(to, Int32(SHUT_WR))
                if directions[to]?.ended == true { end(socket, &directions) }
            }
            return
        }
        if snaps(at: socket, directions, &snap) { return reset(&directions) }
        directions[socket]?.waiting = piece[..<count]
        drain(socket, &directions)
    }

    /// Whether what was just read from this socket is where everything breaks.
    private func snaps(at socket: Int32, _ directions: [Int32: Direction], _ snap: inout Snap) -> Bool {
        if let answering = snap.answering {
            guard socket == answering else { return false }
        } else {
            guard snap.left != .max, let direction = directions[socket], direction.isClient else { return false }
            snap.left -= 1
            guard snap.left < 0 else { return false }
            if snap.isHeard {
                snap.answering = direction.to
                return false
            }
        }
        snap = Snap(left: .max, isHeard: false)
        return true
    }

    private func drain(_ socket: Int32, _ directions: inout [Int32: Direction]) {
        guard let direction = directions[socket], !direction.waiting.isEmpty else { return }
        let count = direction.waiting.withUnsafeBytes { send(direction.to, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        if count < 0, errno == EAGAIN { return }
        guard count > 0 else { return end(socket, &directions) }
        directions[socket]?.waiting = direction.waiting.dropFirst(count)
    }

    private func end(_ socket: Int32, _ directions: inout [Int32: Direction]) {
        guard let peer = directions.removeValue(forKey: socket)?.to else { return }
        directions[peer] = nil
        close(socket)
        close(peer)
    }

    private func reset(_ directions: inout [Int32: Direction]) {
        for socket in directions.keys { Self.reset(socket) }
        directions = [:]
    }

    /// Closes so that the other side hears a reset and no orderly end.
    private static func reset(_ socket: Int32) {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        close(socket)
    }

    private static func with(_ address: Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        FreePort.address(address.port, host: address.host, body)
    }
}
