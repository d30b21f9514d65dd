internal import Glibc
internal import Synchronization

/// A TCP port on loopback that nobody listens on, for a server that must be told its port.
///
/// Taken by chance from a range that neither the kernel hands out by itself nor `bin/test` starts its servers in, and never twice in one run: between taking a
/// port and listening on it a process has to start.
package enum FreePort {
    private static let taken = Mutex<Set<Int>>([])

    package static func take() -> Int {
        while true {
            let port = Int.random(in: 5_000..<16_000)
            if isFree(port), taken.withLock({ $0.insert(port).inserted }) { return port }
        }
    }

    private static func isFree(_ port: Int) -> Bool {
        let probe = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(probe) }
        return address(UInt16(port), host: inet_addr("127.0.0.1")) { bind(probe, $0, $1) } == 0
    }

    static func address(_ port: UInt16, host: in_addr_t, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = host
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
