internal import Bytes
internal import Lanes
internal import Postgres
internal import RabbitMQ
internal import Telemetry

/// Reads the broker's dead-letter queue: a message that came back too often makes its job a suspect, nothing more.
///
/// The ledger still holds the job.
///
/// On a thread and connections of its own, because connecting to a broker that does not answer takes seconds, and the rescuer must not wait for that.
final class DeadLetterReader: Sendable {
    private let broker: BrokerSettings
    private let database: ConnectionSettings
    private let queue: String
    private let log: Logger
    private let stopping = Mailbox<Never>()

    init(broker: BrokerSettings, database: ConnectionSettings, prefix: String, log: Logger) {
        self.broker = broker
        self.database = database
        queue = prefix + Topology.deadLetters
        self.log = log
    }

    func stop() { stopping.close() }

    /// Reads until `stop`; the broker or the database being away only delays it.
    func run() {
        while !stopping.isClosed {
            do {
                let consumer = try Consumer(broker)
                _ = try consumer.consume(queue, prefetch: 500, consumerTag: "millrace-dead-letters-\(Identifier.next())")
                let connection = try Connection(database)
                while !stopping.isClosed { try take(from: consumer, connection) }
                consumer.close()
            } catch {
                // Until a relay has declared it there is no such queue.
                _ = stopping.take(timeout: .seconds(2))
            }
        }
    }

    private func take(from consumer: Consumer, _ connection: Connection) throws {
        let letters = try consumer.waitForDeliveries(limit: 500, timeout: .milliseconds(500))
        guard !letters.isEmpty else { return }
        let ids = letters.flatMap { WakeUpMessage($0)?.entries.map(\.id) ?? [] }
        log.warning("dead letters make their jobs suspects", ["count": "\(ids.count)"])
        _ = try connection.run(SQL.Maintenance.suspectOutbox, ids)
        for letter in letters { _ = try consumer.acknowledge(letter.tag) }
    }
}
