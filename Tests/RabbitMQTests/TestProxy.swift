import Glibc
import Synchronization

@testable import RabbitMQ

/// A TCP proxy in front of the broker, or of nothing, that a test can make misbehave: stop reading, or drop all connections.
final class TestProxy: Sendable {
    let port: UInt16
    private let listener: Int32
    private let target: UInt16?
    private let changed = WakeUp()
    private let frozen = Atomic(false)
    private let cutting = Atomic(false)
    private let ending = Atomic(false)

    /// Forwards to the port; without one, accepts connections and never says a word.
    init(to target: UInt16?) {
        self.target = target
        (listener, port) = listen()
    }

    func start() -> TestProxy {
        startThread { [self] in run() }
        return self
    }

    /// Reads nothing any more from anybody, and keeps the connections.
    func freeze() { set(frozen) }

    /// Drops the connections there are.
    func cut() { set(cutting) }

    func stop() { set(ending) }

    private func set(_ flag: borrowing Atomic<Bool>) {
        flag.store(true, ordering: .releasing)
        changed.signal()
    }

    private func run() {
        /// Each descriptor and the one that its bytes go to; -1 for the black hole.
        var peers: [Int32: Int32] = [:]
        while !ending.load(ordering: .acquiring) {
            if cutting.exchange(false, ordering: .acquiringAndReleasing) {
                for socket in peers.keys { close(socket) }
                peers = [:]
            }
            let sockets = frozen.load(ordering: .acquiring) || target == nil ? [] : Array(peers.keys)
            var descriptors = ([changed.fd, listener] + sockets).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            poll(&descriptors, nfds_t(descriptors.count), -1)
            if descriptors[0].revents != 0 {
                changed.clear()
                continue
            }
            if descriptors[1].revents != 0 { accept(into: &peers) }
            for descriptor in descriptors.dropFirst(2) where descriptor.revents != 0 { forward(descriptor.fd, &peers) }
        }
        for socket in peers.keys { close(socket) }
        close(listener)
    }

    private func accept(into peers: inout [Int32: Int32]) {
        let client = Glibc.accept(listener, nil, nil)
        guard client >= 0 else { return }
        peers[client] = -1
        guard let target else { return }
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(target)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                precondition(connect(server, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0)
            }
        }
        peers[client] = server
        peers[server] = client
    }

    private func forward(_ socket: Int32, _ peers: inout [Int32: Int32]) {
        guard let peer = peers[socket] else { return }
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(socket, &buffer, buffer.count, 0)
        guard count > 0, send(peer, buffer, count, Int32(MSG_NOSIGNAL)) == count else {
            close(socket)
            close(peer)
            peers[socket] = nil
            peers[peer] = nil
            return
        }
    }
}

/// A socket that listens on a free port.
private func listen() -> (socket: Int32, port: UInt16) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopback(0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            precondition(bind(listener, address, size) == 0 && Glibc.listen(listener, 8) == 0 && getsockname(listener, address, &size) == 0)
        }
    }
    return (listener, UInt16(bigEndian: address.sin_port))
}

private func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
}
