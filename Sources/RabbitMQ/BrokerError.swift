/// What went wrong between us and the broker, said so that the caller knows what to do next.
package struct BrokerError: Error, Equatable, Sendable {
    /// What the caller can do.
    package enum Kind: Hashable, Sendable {
        /// The settings cannot be right; nothing was tried.
        case invalidSettings
        /// No connection, or it broke: connect again after a while.
        case unreachable
        /// The broker does not accept this user and password.
        case authenticationRefused
        /// The broker closed the connection or the channel, with the reply code of AMQP 0-9-1.
        case closedByBroker(code: UInt16, text: String)
        /// The broker ended a subscription: its queue was deleted or moved.
        case consumerCancelled
        /// The queue or exchange does not exist.
        case notFound
        /// It exists with other arguments, or a delivery was held longer than the broker allows.
        case preconditionFailed
        /// No answer in time; whether the broker did it is unknown. The connection is closed.
        case timedOut
        /// Anything else; the message says what.
        case unexpected
    }

    package let kind: Kind
    /// What we were doing, such as `declare queue purchase`.
    package let operation: String
    /// One sentence for the log; never a body, a header or a password.
    package let message: String
    /// When only this subscription is lost; the connection and the other subscriptions live on.
    package let subscription: Subscription?

    package init(_ kind: Kind, _ operation: String, _ message: String, subscription: Subscription? = nil) {
        self.kind = kind
        self.operation = operation
        self.message = message
        self.subscription = subscription
    }
}

extension BrokerError: CustomStringConvertible {
    package var description: String { "\(operation): \(message)" }
}
