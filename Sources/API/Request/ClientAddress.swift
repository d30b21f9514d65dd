internal import HTTPClient
internal import HTTPServer

/// Who is at the other end, seen through the proxies that we trust.
///
/// `X-Forwarded-For` is written by whoever likes. So it is read from its right end, where the nearest proxy wrote, and only as long as the one who wrote is
/// trusted: the first address that is no trusted proxy's is the client. Without trusted proxies it is the socket's, whatever the header says.
struct ClientAddress: Sendable {
    private let trusted: [Network]

    init(trusted: [Network]) {
        self.trusted = trusted
    }

    /// The client's address as text; the socket's when the header holds no address.
    func text(of request: Request) -> String {
        guard !trusted.isEmpty, isTrusted(request.clientAddress) else { return request.clientAddress }
        var client = request.clientAddress
        for entry in request.headers.list("X-Forwarded-For").reversed() {
            guard let address = Self.address(entry) else { break }
            client = "\(address)"
            if !isTrusted(client) { break }
        }
        return client
    }

    /// Whether it comes from this machine or a private network, and not through a proxy that we cannot see through.
    func isInside(_ request: Request) -> Bool {
        if request.headers.contains("X-Forwarded-For"), !isTrusted(request.clientAddress) { return false }
        guard let address = Self.address(text(of: request)[...]) else { return false }
        switch AddressGuard().refusal(of: address) {
        case .loopback, .privateNetwork: return true
        default: return false
        }
    }

    private func isTrusted(_ text: String) -> Bool {
        guard let address = Self.address(text[...]) else { return false }
        return trusted.contains { $0.contains(address) }
    }

    /// An address alone, with a port (`192.0.2.1:443`, `[2001:db8::1]:443`), or with a zone, which is dropped.
    private static func address(_ text: Substring) -> IPAddress? {
        var host = text
        if host.first == "[", let end = host.firstIndex(of: "]") {
            host = host[host.index(after: host.startIndex)..<end]
        } else if let colon = host.firstIndex(of: ":"), host.lastIndex(of: ":") == colon {
            host = host[..<colon]
        }
        return IPAddress(host.prefix { $0 != "%" })?.unmapped
    }
}
