/// Why a server could not start.
package struct HTTPServerError: Error, Hashable, Sendable {
    package enum Kind: Sendable {
        /// Another process listens there: choose another port, or stop it.
        case addressInUse
        /// The address is none of this machine's, or no address at all.
        case addressUnavailable
        /// The port is for root only.
        case forbidden
        /// Certificate and key do not fit, or are no PEM.
        case tls
        /// The system is out of descriptors, memory or threads.
        case system
        /// A server starts once.
        case alreadyStarted
    }

    package let kind: Kind
    package let message: String
}

extension HTTPServerError: CustomStringConvertible {
    package var description: String { message }
}
