import Testing

@testable import RabbitMQ

@Suite(.enabled(if: TestBroker.url != nil, "MILLRACE_TEST_AMQP names no broker"), .timeLimit(.minutes(1)))
struct QueueTests {
    @Test func `a queue is declared, looked at, purged and deleted`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let connection = try BrokerConnection(broker.settings)
            defer { connection.close() }
            let name = broker.name()
            let letters = broker.name("dead")
            let arguments = QueueArguments(
                deliveryLimit: 5, rejectsPublishWhenFull: true, maximumLength: 1000, deadLetterExchange: "", deadLetterRoutingKey: letters,
                deadLettersAtLeastOnce: true)
            #expect(try connection.declareQueue(name, arguments: arguments) == QueueStatus(messages: 0, consumers: 0))
            try connection.declareQueue(name, arguments: arguments)
            try broker.publish(["a", "b"], to: name)
            #expect(try connection.declarePassively(name)?.messages == 2)
            #expect(try connection.purgeQueue(name) == 2)
            try connection.deleteQueue(name)
            #expect(try connection.declarePassively(name) == nil)
        }
    }

    @Test func `a missing queue is nil, again and again, and the connection goes on`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let connection = try BrokerConnection(broker.settings)
            defer { connection.close() }
            // More often than there are channels: a closed one must be given back.
            let missing = broker.name()
            for _ in 0..<600 { #expect(try connection.declarePassively(missing) == nil) }
            let error = #expect(throws: BrokerError.self) { try connection.purgeQueue(broker.name()) }
            #expect(error?.kind == .notFound)
            try connection.declareQueue(broker.name("late"), arguments: QueueArguments(.classic))
            #expect(connection.isOpen)
        }
    }

    @Test func `other arguments are refused by name of the argument`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let name = try broker.queue("queue", QueueArguments(deliveryLimit: 5))
            let connection = try BrokerConnection(broker.settings)
            defer { connection.close() }
            let error = #expect(throws: BrokerError.self) { try connection.declareQueue(name, arguments: QueueArguments(deliveryLimit: 6)) }
            #expect(error?.kind == .preconditionFailed)
            #expect(error?.message.contains("x-delivery-limit") == true)
            #expect(error?.operation.contains(name) == true)
            #expect(try connection.declarePassively(name) != nil)
        }
    }
}
