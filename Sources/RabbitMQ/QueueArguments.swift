/// How a queue behaves; part of its identity: declaring it again with other arguments is refused.
package struct QueueArguments: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        /// Replicated, fsynced, with a delivery limit: for everything that counts.
        case quorum
        /// One node, no delivery limit.
        case classic
    }

    package var kind: Kind
    /// How often a message may be delivered again before it is dead-lettered (quorum only); RabbitMQ 3.10 has no limit of its own.
    package var deliveryLimit: Int?
    /// Refuse new messages when the queue is full (the publisher sees `refused`), instead of dropping the oldest.
    package var rejectsPublishWhenFull: Bool
    /// The most messages that may wait.
    package var maximumLength: Int?
    /// Where dead letters go; "" is the default exchange, which routes to the queue that the routing key names.
    package var deadLetterExchange: String?
    package var deadLetterRoutingKey: String?
    /// Dead letters are kept until they are confirmed at their new place (quorum only; needs `rejectsPublishWhenFull` and a dead-letter exchange).
    package var deadLettersAtLeastOnce: Bool

    package init(
        _ kind: Kind = .quorum, deliveryLimit: Int? = nil, rejectsPublishWhenFull: Bool = false, maximumLength: Int? = nil,
        deadLetterExchange: String? = nil, deadLetterRoutingKey: String? = nil, deadLettersAtLeastOnce: Bool = false
    ) {
        self.kind = kind
        self.deliveryLimit = deliveryLimit
        self.rejectsPublishWhenFull = rejectsPublishWhenFull
        self.maximumLength = maximumLength
        self.deadLetterExchange = deadLetterExchange
        self.deadLetterRoutingKey = deadLetterRoutingKey
        self.deadLettersAtLeastOnce = deadLettersAtLeastOnce
    }

    /// As the broker names them (rabbitmq.com, quorum queues and optional arguments).
    var table: [String: HeaderValue] {
        var table: [String: HeaderValue] = ["x-queue-type": .string(kind.rawValue)]
        table["x-delivery-limit"] = deliveryLimit.map { .int(Int64($0)) }
        table["x-overflow"] = rejectsPublishWhenFull ? "reject-publish" : nil
        table["x-max-length"] = maximumLength.map { .int(Int64($0)) }
        table["x-dead-letter-exchange"] = deadLetterExchange.map { .string($0) }
        table["x-dead-letter-routing-key"] = deadLetterRoutingKey.map { .string($0) }
        table["x-dead-letter-strategy"] = deadLettersAtLeastOnce ? "at-least-once" : nil
        return table
    }
}

/// What the broker says about a queue.
package struct QueueStatus: Hashable, Sendable {
    /// Messages that wait for delivery; those delivered but not acknowledged are not counted.
    package let messages: Int
    package let consumers: Int
}
