import Bytes
import Glibc
import Testing

@testable import RabbitMQ

/// The real broker that `MILLRACE_TEST_AMQP` names, and queues of one test, deleted when the test ends.
///
/// Queue names carry a random prefix, so tests run side by side and a run that was killed disturbs no later one.
final class TestBroker {
    static var url: String? {
        getenv("MILLRACE_TEST_AMQP").map { String(cString: $0) }
    }

    let settings: BrokerSettings
    private let prefix = "test-" + Identifier.next().text("rabbitmq")
    private var queues: [String] = []

    init() throws {
        settings = try BrokerSettings(url: #require(Self.url))
    }

    deinit {
        guard !queues.isEmpty, let connection = try? BrokerConnection(settings) else { return }
        for queue in queues { _ = try? connection.deleteQueue(queue) }
        connection.close()
    }

    /// A name of our own for a queue that will be deleted, whether it exists or not.
    func name(_ suffix: String = "queue") -> String {
        let name = "\(prefix)-\(suffix)"
        queues.append(name)
        return name
    }

    /// Declares a queue of our own.
    func queue(_ suffix: String = "queue", _ arguments: QueueArguments = QueueArguments()) throws -> String {
        let name = name(suffix)
        let connection = try BrokerConnection(settings)
        defer { connection.close() }
        try connection.declareQueue(name, arguments: arguments)
        return name
    }

    /// Publishes bodies to the queue, all confirmed.
    func publish(_ bodies: [String], to queue: String) throws {
        let publisher = try Publisher(settings)
        defer { publisher.close() }
        let messages = bodies.map { OutgoingMessage(routingKey: queue, messageID: $0, body: Array($0.utf8)) }
        let outcomes = try publisher.publish(messages)
        #expect(outcomes.allSatisfy { $0 == .confirmed })
    }
}

extension Consumer {
    /// Waits until that many have come, at most ten seconds.
    func take(_ count: Int) throws -> [Delivery] {
        var deliveries: [Delivery] = []
        let deadline = ContinuousClock.now + .seconds(10)
        while deliveries.count < count, ContinuousClock.now < deadline {
            deliveries += try waitForDeliveries(limit: count - deliveries.count, timeout: .milliseconds(200))
        }
        return deliveries
    }
}

extension Delivery {
    var text: String { String(decoding: body, as: UTF8.self) }
}

/// Runs the body on a thread of its own and waits for its result: what blocks does not take a thread of the cooperative pool from other tests.
func onThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        startThread { continuation.resume(with: Result { try body() }) }
    }
}

/// Starts a thread and forgets it.
func startThread(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(Work(body)).toOpaque()
    let status = pthread_create(
        &thread, nil,
        { context in
            if let context { Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body() }
            return nil
        }, context)
    precondition(status == 0)
    pthread_detach(thread)
}

private final class Work {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
