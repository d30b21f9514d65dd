/// A message to publish.
package struct OutgoingMessage: Hashable, Sendable {
    /// "" is the default exchange: the routing key is the queue's name.
    package var exchange: String
    package var routingKey: String
    /// Tells messages with the same route apart when the broker returns one, so it should be unique within a batch.
    package var messageID: String
    package var headers: [String: HeaderValue]
    package var body: [UInt8]
    package var contentType: String

    package init(
        exchange: String = "", routingKey: String, messageID: String, headers: [String: HeaderValue] = [:], body: [UInt8] = [],
        contentType: String = ""
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.messageID = messageID
        self.headers = headers
        self.body = body
        self.contentType = contentType
    }
}

/// What became of one published message.
package enum PublishOutcome: Hashable, Sendable {
    /// The broker has it, on disk where the queue is durable.
    case confirmed
    /// The broker did not take it: the queue is full, or failed.
    case refused
    /// No queue is bound to this route.
    case returned(code: UInt16, text: String)
    /// Not sent, because AMQP cannot express it: a name longer than 255 bytes, headers larger than a frame. Trying again does not help.
    case unsendable(String)
}
