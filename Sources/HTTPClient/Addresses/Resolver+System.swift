internal import CCurl
internal import Glibc

extension Resolver {
    /// The system's name service: `/etc/hosts`, DNS, in the order of preference of RFC 6724.
    package static let system = Resolver { host in
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_UNSPEC
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        switch unsafe getaddrinfo(host, nil, &hints, &list) {
        case 0: break
        case EAI_NONAME, Self.noData: return .failure(.notFound)
        default: return .failure(.unavailable)
        }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [IPAddress] = []
        var entry = unsafe list
        while let current = unsafe entry {
            if let socketAddress = unsafe current.pointee.ai_addr, let address = unsafe IPAddress(socketAddress), !addresses.contains(address) {
                addresses.append(address)
            }
            unsafe entry = current.pointee.ai_next
        }
        return addresses.isEmpty ? .failure(.notFound) : .success(addresses)
    }

    /// EAI_NODATA, which glibc shows only to GNU programs: the name exists, but has no address.
    private static let noData: Int32 = -5
}

extension IPAddress {
    /// The address in a socket address; nil for a family other than IPv4 and IPv6.
    init?(_ socketAddress: UnsafePointer<sockaddr>) {
        var bytes: [UInt8] = Array(repeating: 0, count: 16)
        let count = unsafe bytes.withUnsafeMutableBufferPointer { unsafe ccurl_address_bytes(socketAddress, $0.baseAddress) }
        self.init(bytes: bytes.prefix(Int(count)))
    }
}
