extension GuardedURL {
    /// What an operator may decide about URLs.
    package struct Rules: Hashable, Sendable {
        /// Refuses `http`.
        package var requiresHTTPS: Bool
        package var ports: Ports
        /// In bytes.
        package var maximumLength: Int

        package init(requiresHTTPS: Bool = false, ports: Ports = .web, maximumLength: Int = 2048) {
            self.requiresHTTPS = requiresHTTPS
            self.ports = ports
            self.maximumLength = maximumLength
        }

        /// For URLs that the operator wrote: both schemes, any port.
        package static let trusted = Rules(ports: .any)
    }

    /// Which ports a URL may name.
    package struct Ports: Hashable, Sendable {
        private let ranges: [ClosedRange<UInt16>]

        package init(_ ranges: [ClosedRange<UInt16>]) { self.ranges = ranges }

        /// 80, 443 and everything from 1024 on.
        ///
        /// Ports below 1024 belong to protocols that were there before HTTP; a request body sent to a mail or shell port is read as commands. From 1024 on
        /// live the application servers that people do run webhooks on, and a list of the dangerous ones would never be complete: there the address decides.
        package static let web = Ports([80...80, 443...443, 1024...65535])
        package static let any = Ports([1...65535])

        package func contains(_ port: UInt16) -> Bool { ranges.contains { $0.contains(port) } }
    }

    /// What is wrong with a URL, as a sentence for the person who typed it.
    package enum Problem: Error, Hashable, Sendable, CustomStringConvertible {
        case empty
        case tooLong(limit: Int)
        case controlCharacter
        case space
        case notASCII
        case forbiddenCharacter
        case fragment
        case scheme
        case notHTTPS
        case userInformation
        case noHost
        case hostTooLong
        case hostName
        case encodedHost
        case numericHost
        case brackets
        case zone
        case port
        case portNotAllowed(UInt16)

        package var description: String {
            switch self {
            case .empty: "the URL is empty"
            case .tooLong(let limit): "the URL is longer than \(limit) bytes"
            case .controlCharacter: "the URL contains a control character"
            case .space: "the URL contains a space; write it as %20"
            case .notASCII: "the URL contains characters outside ASCII; write the host in its xn-- form and the rest percent-encoded"
            case .forbiddenCharacter: "the URL contains a backslash, a quote or an angle bracket; write it percent-encoded"
            case .fragment: "the URL contains a fragment (#), which is never sent"
            case .scheme: "the URL does not begin with http:// or https://"
            case .notHTTPS: "the URL does not begin with https://"
            case .userInformation: "the URL contains a user name or password"
            case .noHost: "the URL names no host"
            case .hostTooLong: "the URL's host is longer than 253 bytes"
            case .hostName: "the URL's host is not a valid name"
            case .encodedHost: "the URL's host is percent-encoded"
            case .numericHost: "the URL's host is a number; an IPv4 address is written as four decimal numbers without leading zeros"
            case .brackets: "the URL's IPv6 address is not valid; it is written in brackets"
            case .zone: "the URL's IPv6 address has a zone"
            case .port: "the URL's port is not a number from 1 to 65535"
            case .portNotAllowed(let port): "the URL's port \(port) is not allowed"
            }
        }
    }
}
