/// A message from a queue, to be acknowledged.
package struct Delivery: Equatable, Sendable {
    /// What to acknowledge it by.
    package let tag: DeliveryTag
    package let subscription: Subscription
    /// It may have been delivered before.
    ///
    /// Proves nothing: a lost connection redelivers everything prefetched.
    package let redelivered: Bool
    package let exchange: String
    package let routingKey: String
    package let messageID: String
    package let contentType: String
    /// Quorum queues count failed deliveries in `x-delivery-count`, from the second delivery on.
    package let headers: [String: HeaderValue]
    package let body: [UInt8]
}

/// Names a delivery as long as its channel is open; comparable within one subscription.
package struct DeliveryTag: Hashable, Sendable {
    let channel: Channel
    let number: UInt64
}

extension DeliveryTag: Comparable {
    package static func < (left: DeliveryTag, right: DeliveryTag) -> Bool {
        (left.channel.generation, left.number) < (right.channel.generation, right.number)
    }
}

/// One consumer of one queue, on a channel of its own.
package struct Subscription: Hashable, Sendable {
    let channel: Channel
    package let queue: String
    package let consumerTag: String
}
