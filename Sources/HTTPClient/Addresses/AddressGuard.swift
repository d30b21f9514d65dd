/// Decides which addresses a tenant's URL may lead to: the public internet, and what the operator has opened on purpose.
///
/// A webhook makes this machine send a request to wherever a stranger says (server-side request forgery). The rule is therefore not a list of bad addresses
/// but "global unicast, minus what the special-purpose registries (RFC 6890 and its updates) say is not": for IPv6 whatever lies outside 2000::/3 is
/// refused without being named. Addresses that carry another one (mapped, compatible, NAT64, 6to4, Teredo) are refused whole: what they lead to is
/// decided by a router that we do not see. A machine that reaches IPv4 only through NAT64 must open 64:ff9b::/96 by hand.
///
/// Judge addresses, never names: a name says something else a second later.
package struct AddressGuard: Sendable {
    /// The ranges that are open although they are not public; they win over every refusal.
    package let allowedNetworks: [Network]

    package init(allowedNetworks: [Network] = []) { self.allowedNetworks = allowedNetworks }

    /// Why the address may not be connected to; nil when it may.
    package func refusal(of address: IPAddress) -> Refusal? {
        if allowedNetworks.contains(where: { $0.contains(address) }) { return nil }
        if let entry = Self.refused.first(where: { $0.network.base.shares($0.network.prefix, with: address) }) { return entry.refusal }
        guard case .v6 = address else { return nil }
        return Self.globalUnicast.base.shares(Self.globalUnicast.prefix, with: address) ? nil : .reserved
    }

    /// The first refusal among all addresses of a name; a name with one bad address is refused whole.
    ///
    /// Picking the good ones would let the owner of the name choose, by the order and the failures of the others, which of them is used.
    package func refusal(ofAny addresses: [IPAddress]) -> Refusal? {
        for address in addresses {
            if let refusal = refusal(of: address) { return refusal }
        }
        return nil
    }

    /// What kind of address it is that is refused.
    package enum Refusal: String, Hashable, Sendable, CaseIterable {
        case unspecified = "the unspecified address"
        case loopback = "this machine itself"
        case privateNetwork = "a private network"
        case sharedAddressSpace = "a carrier's shared address space"
        case linkLocal = "a link-local address"
        case platform = "a cloud platform's internal address"
        case multicast = "a multicast group"
        case reserved = "a reserved range"
        case documentation = "a documentation range"
        case benchmarking = "a benchmarking range"
        case translated = "an address that stands for another one"
        /// The second fence: a connection led to another address than the judged one.
        case unchecked = "an address that was not checked"
    }
}
