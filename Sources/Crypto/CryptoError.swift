/// Why a cryptographic operation was refused.
///
/// It never says more than the caller may pass on: which byte, which key or which length was wrong is help for an attacker and no help for a user.
package struct CryptoError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What the caller can do.
    package enum Kind: Sendable {
        /// The program or its settings passed something impossible (a short key, a cost out of range): correct that.
        case invalidInput
        /// The data was not made by a holder of our keys, was changed, or is no such data at all: refuse it.
        case notAuthentic
        /// It was authentic and its time is over: ask for a new one.
        case expired
        /// It is authentic and its time has not come: refuse it, and look at the clocks.
        case notYetValid
        /// The library failed for a reason of its own (memory): try again or give up.
        case unavailable
    }

    package let kind: Kind
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package var description: String { message }
}
