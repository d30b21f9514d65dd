internal import Engine
internal import Faults
internal import Lanes
internal import RabbitMQ

/// What happens to the broker, or to the way there.
enum BrokerFault: String, CaseIterable {
    /// Connections are reset and new ones refused: the server is down.
    case refused
    /// Connections stand, and nothing comes through: a firewall has forgotten them.
    case blackholed
    /// Down, and without any queue when it is back.
    case wiped
    /// The queue is deleted while all goes on.
    case deleted
    /// The queue's messages are thrown away while all goes on.
    case purged

    /// It lasts; the others happen and are over.
    var lasts: Bool { self == .refused || self == .blackholed || self == .wiped }

    /// - Returns: the messages that waited in the queue and were thrown away; nil where none were. What was in a worker's hand goes with a deleted queue too.
    func strike(_ proxy: FaultProxy, queue: String, others: [String], at broker: BrokerSettings) throws -> Int? {
        switch self {
        case .refused:
            proxy.cut()
            return nil
        case .blackholed:
            proxy.swallow()
            return nil
        case .wiped:
            proxy.cut()
            let admin = try BrokerConnection(broker)
            defer { admin.close() }
            let lost = try admin.deleteQueue(queue)
            for other in others { try admin.deleteQueue(other) }
            return lost
        case .deleted, .purged:
            let admin = try BrokerConnection(broker)
            defer { admin.close() }
            try Self.waitForMessages(in: queue, on: admin)
            return self == .deleted ? try admin.deleteQueue(queue) : try admin.purgeQueue(queue)
        }
    }

    func mend(_ proxy: FaultProxy) { if lasts { proxy.restore() } }

    /// An empty queue has nothing to lose; gives up after a second.
    private static func waitForMessages(in queue: String, on admin: BrokerConnection) throws {
        let deadline = ContinuousClock.now + .seconds(1)
        while ContinuousClock.now < deadline, try admin.declarePassively(queue)?.messages ?? 0 == 0 { pause(.milliseconds(2)) }
    }
}
