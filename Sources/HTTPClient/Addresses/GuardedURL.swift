/// A URL that has been read strictly: what is left of it means the same to us, to libcurl and to the server.
///
/// Most walks around a guard are two parsers that read one text differently (`http://good@evil`, `http://evil\@good`, `0x7f.1`, `%31%32%37.0.0.1`, a line
/// break in the path). So everything unusual is refused rather than understood, with a sentence that tells a tenant how to write it. The host is either an
/// address or an ASCII name; which addresses may be connected to is not decided here but by `AddressGuard`, after the name was resolved.
package struct GuardedURL: Hashable, Sendable {
    package enum Scheme: String, Hashable, Sendable {
        case http
        case https

        var defaultPort: UInt16 { self == .http ? 80 : 443 }
    }

    package enum Host: Hashable, Sendable {
        /// Lower case, without a trailing dot.
        case name(String)
        case address(IPAddress)
    }

    package let scheme: Scheme
    package let host: Host
    package let port: UInt16
    /// Path and query as they go into the request line; begins with a slash.
    package let target: String

    /// Reads a URL.
    ///
    /// - Throws: the first thing that is wrong with it.
    package init(_ text: String, rules: Rules = Rules()) throws(Problem) {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.count <= rules.maximumLength else { throw .tooLong(limit: rules.maximumLength) }
        try Self.checkCharacters(bytes)

        let rest: ArraySlice<UInt8>
        (scheme, rest) = try Self.splitScheme(bytes)
        guard scheme == .https || !rules.requiresHTTPS else { throw .notHTTPS }

        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        let (name, digits) = try Self.splitAuthority(rest[..<end])
        host = try Self.readHost(name)
        port = try digits.map(Self.readPort) ?? scheme.defaultPort
        guard rules.ports.contains(port) else { throw .portNotAllowed(port) }

        let target = String(decoding: rest[end...], as: UTF8.self)
        self.target = target.hasPrefix("/") ? target : "/" + target
    }

    /// The host as it stands in a URL and in the `Host` header: brackets around IPv6.
    package var hostText: String {
        switch host {
        case .name(let name): name
        case .address(let address): address.width == 128 ? "[\(address)]" : address.description
        }
    }
}

extension GuardedURL: CustomStringConvertible {
    /// The normalised URL; a default port is left out.
    package var description: String {
        "\(scheme.rawValue)://\(hostText)\(port == scheme.defaultPort ? "" : ":\(port)")\(target)"
    }
}
