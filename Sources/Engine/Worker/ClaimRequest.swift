internal import Bytes
internal import RabbitMQ
internal import Synchronization

/// A job that a wake-up speaks of, in hand: under which publish number, and which message to acknowledge when it is done with.
struct ClaimRequest: Sendable {
    /// The message, shared by the jobs that it speaks of, and acknowledged when the last of them is done with.
    ///
    /// Over which connection it came is part of it: tags begin anew with each, so a late ack must not reach another connection's message.
    final class Receipt: Sendable {
        let connection: Int
        let tag: DeliveryTag
        private let unfinished: Atomic<Int>

        init(connection: Int, tag: DeliveryTag, jobs: Int) {
            self.connection = connection
            self.tag = tag
            unfinished = Atomic(jobs)
        }

        /// One of its jobs is done with; true for the last one.
        func release() -> Bool { unfinished.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 }
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

    /// The jobs of a message; none for a message that is not ours: it is acked and forgotten, the ledger knows nothing of it.
    static func all(in delivery: Delivery, connection: Int) -> [ClaimRequest] {
        guard let message = WakeUpMessage(delivery) else { return [] }
        let receipt = Receipt(connection: connection, tag: delivery.tag, jobs: message.entries.count)
        return message.entries.map { entry in
            var request = ClaimRequest(id: entry.id, publish: entry.publish, kind: message.kind)
            request.redelivered = delivery.redelivered
            request.receipt = receipt
            return request
        }
    }
}
