package import Bytes

/// Where a request comes from, as logins, sessions and the audit log remember it.
package struct Origin: Sendable {
    /// The client's address; nil when it is not known, and then no list of allowed addresses lets it in.
    package let address: IPAddress?
    package let userAgent: String?
    package let requestID: Identifier?

    /// Takes what the HTTP server says.
    ///
    /// An IPv6 zone is dropped; what is no address counts as unknown.
    package init(ip: String? = nil, userAgent: String? = nil, requestID: Identifier? = nil) {
        address = ip.flatMap { IPAddress($0.prefix { $0 != "%" }) }
        self.userAgent = userAgent.map { String($0.prefix(400)) }
        self.requestID = requestID
    }

    var ip: String? { address?.description }

    /// Who counts as one sender for limits: an IPv4 address, or the /64 that one IPv6 customer has.
    package var limitKey: String {
        guard let address else { return "unknown" }
        return address.isVersion6 ? "\(address.masked(to: 64))/64" : "\(address)"
    }
}
