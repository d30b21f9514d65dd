internal import Bytes
internal import RabbitMQ

/// A wake-up in hand: which job it speaks of and under which publish number.
struct ClaimRequest: Sendable {
    /// What to acknowledge, and over which connection: tags begin anew with each, so a late ack must not reach another connection's message.
    struct Receipt: Sendable {
        var connection: Int
        var tag: DeliveryTag
    }

    var id: Identifier
    var publish: Int64
    var kind: String
    var redelivered: Bool
    /// Nil when there is no message: the broker is away, and the worker found the row itself.
    var receipt: Receipt?

    /// A row that was found by looking.
    init(id: Identifier, publish: Int64, kind: String) {
        self.id = id
        self.publish = publish
        self.kind = kind
        redelivered = false
    }

    /// Nil for a message that is none of ours; it is acked and forgotten, the ledger knows nothing of it.
    init?(_ delivery: Delivery, connection: Int) {
        guard let id = Identifier(delivery.messageID), let publish = delivery.headers["publish"]?.int else { return nil }
        self.id = id
        self.publish = publish
        kind = delivery.headers["kind"]?.string ?? ""
        redelivered = delivery.redelivered
        receipt = Receipt(connection: connection, tag: delivery.tag)
    }
}
