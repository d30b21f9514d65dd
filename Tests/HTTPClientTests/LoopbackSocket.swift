import Glibc

/// Sockets that do less than a server.
enum LoopbackSocket {
    /// A listening, non-blocking socket on a free port; without a backlog it is bound only, and refuses connections.
    static func listen(on address: String = "127.0.0.1", backlog: Int32?) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        precondition(descriptor >= 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        inet_pton(AF_INET, address, &name.sin_addr)
        let bound = withAddress(&name) { bind(descriptor, $0, $1) }
        precondition(bound == 0)
        if let backlog { precondition(Glibc.listen(descriptor, backlog) == 0) }
        return descriptor
    }

    static func port(of descriptor: Int32) -> UInt16 {
        var name = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withAddress(&name) { address, _ in getsockname(descriptor, address, &length) }
        return UInt16(bigEndian: name.sin_port)
    }

    /// Connects without waiting, and returns the socket.
    static func beginConnect(to port: UInt16) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        inet_pton(AF_INET, "127.0.0.1", &name.sin_addr)
        _ = withAddress(&name) { connect(descriptor, $0, $1) }
        return descriptor
    }

    private static func withAddress<R>(_ name: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> R) -> R {
        withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
