package import RabbitMQ

/// The queues as the broker has to have them, from the definitions.
package struct Topology: Sendable {
    package let catalog: Catalog
    /// Put before each queue's name, so that several platforms or tests share a broker.
    package let prefix: String

    package init(catalog: Catalog, prefix: String) {
        self.catalog = catalog
        self.prefix = prefix
    }

    /// Where messages go that the broker gave up on: their jobs become suspects.
    package static let deadLetters = "dead-letters"

    package func name(_ queue: String) -> String { prefix + queue }

    /// Declares the dead-letter queue and one queue per definition.
    ///
    /// - Returns: the queues that did not exist.
    /// - Throws: `BrokerError`; `preconditionFailed` names a queue that stands with other arguments.
    package func declare(on connection: BrokerConnection) throws -> [String] {
        var made: [String] = []
        for (queue, arguments) in queues {
            if try connection.declarePassively(name(queue)) == nil { made.append(queue) }
            try connection.declareQueue(name(queue), arguments: arguments)
        }
        return made
    }

    /// Declares them for a relay that begins: says which wake-ups may be lost, and goes on without what cannot be declared.
    ///
    /// - Parameter lost: told, before it is made, about each queue that is missing or empty: a broker that is new, or was wiped. An empty queue may also be
    ///   one whose messages are all in hand; to send their wake-ups once more does no harm.
    /// - Returns: the queues that stand with other arguments; they are left as they are, since the others must not wait for them.
    func restore(on connection: BrokerConnection, lost: (String) throws -> Void) throws -> [(queue: String, error: BrokerError)] {
        var differing: [(queue: String, error: BrokerError)] = []
        for (queue, arguments) in queues {
            let waiting = try connection.declarePassively(name(queue))?.messages ?? 0
            if waiting == 0, queue != Self.deadLetters { try lost(queue) }
            do {
                try connection.declareQueue(name(queue), arguments: arguments)
            } catch {
                guard error.kind == .preconditionFailed else { throw error }
                differing.append((queue, error))
            }
        }
        return differing
    }

    private var queues: [(queue: String, arguments: QueueArguments)] {
        [(Self.deadLetters, QueueArguments(.quorum))] + catalog.sortedQueues.map { ($0.queue, arguments(of: $0)) }
    }

    /// Dead letters at most once, the broker's default.
    ///
    /// At least once needs a worker per queue under one supervisor of the whole node, and a queue that is deleted just after it was declared, or
    /// loses its leader at a bad moment, takes that supervisor down for good: from then on no quorum queue of the node gets a leader
    /// (rabbitmq-server#16652; met here with 3.10.8). We can spare it: a dead letter that is lost is a lost wake-up, and sent again.
    private func arguments(of definition: QueueDefinition) -> QueueArguments {
        QueueArguments(
            .quorum, deliveryLimit: definition.deliveryLimit, rejectsPublishWhenFull: true, maximumLength: definition.maximumLength,
            deadLetterExchange: "", deadLetterRoutingKey: name(Self.deadLetters))
    }
}
