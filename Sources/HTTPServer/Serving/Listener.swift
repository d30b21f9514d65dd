internal import CMicroHTTPD
internal import Glibc

/// The listening socket.
///
/// It is ours and not the library's, so that a busy address is told from a forbidden one, and so that accepting ends at a point that we choose.
struct Listener: Sendable {
    struct Client {
        let descriptor: Int32
        let address: String
        let storage: sockaddr_storage
        let length: socklen_t

        /// Closes the connection without a word.
        func refuse() { close(descriptor) }
    }

    enum Attempt {
        case accepted(Client)
        /// This one went away before it was accepted; the next may be there.
        case again
        case nothing
        /// Out of descriptors or memory: to be tried again in a while.
        case exhausted
    }

    let descriptor: Int32
    let port: UInt16

    init(address: String, port: UInt16, backlog: Int32) throws(HTTPServerError) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(address, String(port), &hints, &found) == 0, let info = unsafe found else {
            throw HTTPServerError(kind: .addressUnavailable, message: "\(address) is no IP address")
        }
        defer { unsafe freeaddrinfo(info) }
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = unsafe socket(info.pointee.ai_family, kind, 0)
        guard descriptor >= 0 else { throw Self.error(errno, address, port) }
        var yes: Int32 = 1
        var no: Int32 = 0
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        if unsafe info.pointee.ai_family == AF_INET6 { unsafe setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &no, 4) }
        guard unsafe bind(descriptor, info.pointee.ai_addr, info.pointee.ai_addrlen) == 0, listen(descriptor, backlog) == 0 else {
            let code = errno
            close(descriptor)
            throw Self.error(code, address, port)
        }
        self.descriptor = descriptor
        self.port = Self.boundPort(descriptor)
    }

    func shut() { close(descriptor) }

    /// Takes a connection that waits, if there is one.
    func accept() -> Attempt {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let client = unsafe withUnsafeMutablePointer(to: &storage) { storage in
            unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe cmicrohttpd_accept(descriptor, $0, &length) }
        }
        if client >= 0 { return .accepted(Client(descriptor: client, address: Self.text(storage, length), storage: storage, length: length)) }
        switch errno {
        case EMFILE, ENFILE, ENOMEM, ENOBUFS: return .exhausted
        case EINTR, ECONNABORTED: return .again
        default: return .nothing
        }
    }

    private static func boundPort(_ descriptor: Int32) -> UInt16 {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = unsafe withUnsafeMutablePointer(to: &storage) { storage in
            unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &length) }
        }
        return UInt16(names(storage, length).port) ?? 0
    }

    /// The address as text; an IPv4 client of an IPv6 socket is shown as the IPv4 address that it is.
    private static func text(_ storage: sockaddr_storage, _ length: socklen_t) -> String {
        let host = names(storage, length).host
        return host.hasPrefix("::ffff:") && host.contains(".") ? String(host.dropFirst(7)) : host
    }

    private static func names(_ storage: sockaddr_storage, _ length: socklen_t) -> (host: String, port: String) {
        var storage = storage
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        _ = unsafe withUnsafePointer(to: &storage) { storage in
            unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe getnameinfo(
                    address, length, &host, socklen_t(NI_MAXHOST), &port, socklen_t(NI_MAXSERV), NI_NUMERICHOST | NI_NUMERICSERV)
            }
        }
        return (text(host), text(port))
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func error(_ code: Int32, _ address: String, _ port: UInt16) -> HTTPServerError {
        switch code {
        case EADDRINUSE:
            HTTPServerError(kind: .addressInUse, message: "\(address) port \(port) is in use by another process")
        case EADDRNOTAVAIL, EAFNOSUPPORT:
            HTTPServerError(kind: .addressUnavailable, message: "\(address) is no address of this machine")
        case EACCES, EPERM:
            HTTPServerError(kind: .forbidden, message: "\(address) port \(port) may not be listened on by this user")
        default:
            HTTPServerError(kind: .system, message: "\(address) port \(port) cannot be listened on (error \(code))")
        }
    }
}
