import Testing

@testable import RabbitMQ

@Suite(.enabled(if: TestBroker.url != nil, "MILLRACE_TEST_AMQP names no broker"), .timeLimit(.minutes(1)))
struct PublisherTests {
    @Test func `thousands are confirmed, whatever the window`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue()
            for (window, count) in [(1, 20), (16, 500), (256, 3000)] {
                let publisher = try Publisher(broker.settings, window: window)
                defer { publisher.close() }
                let messages = (0..<count).map { OutgoingMessage(routingKey: queue, messageID: "\($0)", body: [1, 2, 3]) }
                // Two batches: the sequence goes on.
                for _ in 0..<2 { #expect(try publisher.publish(messages) == Array(repeating: .confirmed, count: count)) }
            }
            let connection = try BrokerConnection(broker.settings)
            defer { connection.close() }
            #expect(try connection.declarePassively(queue)?.messages == 7040)
        }
    }

    @Test func `a message without a queue is returned, its neighbours are confirmed`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue()
            let nowhere = broker.name("nowhere")
            let publisher = try Publisher(broker.settings)
            defer { publisher.close() }
            let messages = (0..<60).map { index in
                // Bodies of no, one and several frames come back whole too.
                OutgoingMessage(
                    routingKey: index % 3 == 0 ? nowhere : queue, messageID: "\(index / 6)", headers: ["index": .int(Int64(index))],
                    body: [UInt8](repeating: 7, count: [0, 10, 100_000][index % 3]))
            }
            for (index, outcome) in try publisher.publish(messages).enumerated() {
                #expect(outcome == (index % 3 == 0 ? .returned(code: 312, text: "NO_ROUTE") : .confirmed))
            }
            #expect(try publisher.publish([OutgoingMessage(routingKey: queue, messageID: "after")]) == [.confirmed])
        }
    }

    @Test func `a full queue refuses`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue("queue", QueueArguments(rejectsPublishWhenFull: true, maximumLength: 3))
            let publisher = try Publisher(broker.settings, window: 1)
            defer { publisher.close() }
            let outcomes = try publisher.publish((0..<200).map { OutgoingMessage(routingKey: queue, messageID: "\($0)") })
            #expect(outcomes.first == .confirmed)
            #expect(outcomes.last == .refused)
        }
    }

    @Test func `what AMQP cannot express stays here and the rest is sent`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue()
            let publisher = try Publisher(broker.settings)
            defer { publisher.close() }
            let long = String(repeating: "x", count: 256)
            let outcomes = try publisher.publish([
                OutgoingMessage(routingKey: queue, messageID: "1"),
                OutgoingMessage(routingKey: queue, messageID: long),
                OutgoingMessage(routingKey: long, messageID: "2"),
                OutgoingMessage(routingKey: queue, messageID: "3", headers: [long: 1]),
                OutgoingMessage(routingKey: queue, messageID: "4", headers: ["big": .bytes([UInt8](repeating: 0, count: 40_000))]),
                OutgoingMessage(routingKey: queue, messageID: "5", headers: ["big": .bytes([UInt8](repeating: 0, count: 30_000))]),
            ])
            #expect(outcomes.first == .confirmed)
            #expect(outcomes.last == .confirmed)
            for outcome in outcomes.dropFirst().dropLast() {
                guard case .unsendable = outcome else {
                    Issue.record("\(outcome)")
                    continue
                }
            }
        }
    }

    @Test func `an exchange that does not exist ends the publisher`() async throws {
        try await onThread {
            let publisher = try Publisher(TestBroker().settings)
            let error = #expect(throws: BrokerError.self) {
                try publisher.publish([OutgoingMessage(exchange: "no-such-exchange", routingKey: "x", messageID: "1")])
            }
            #expect(error?.kind == .notFound)
            #expect(!publisher.isOpen)
        }
    }

    @Test func `the watchdog ends a publish that hangs`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue()
            let proxy = TestProxy(to: broker.settings.port).start()
            defer { proxy.stop() }
            var settings = broker.settings
            settings.port = proxy.port
            settings.stuckAfter = .milliseconds(400)
            let publisher = try Publisher(settings)
            proxy.freeze()
            // More than the kernel buffers for both ends, so a write blocks before the window is full.
            let body = [UInt8](repeating: 0, count: 200_000)
            let started = ContinuousClock.now
            let error = #expect(throws: BrokerError.self) {
                try publisher.publish((0..<200).map { OutgoingMessage(routingKey: queue, messageID: "\($0)", body: body) })
            }
            #expect(error?.kind == .timedOut)
            #expect(error?.message.contains("watchdog") == true)
            #expect(ContinuousClock.now - started < .seconds(8), "the RPC timeout did not have to help")
            #expect(!publisher.isOpen)
        }
    }

    @Test func `a publish without confirmation is given up`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue()
            let proxy = TestProxy(to: broker.settings.port).start()
            defer { proxy.stop() }
            var settings = broker.settings
            settings.port = proxy.port
            settings.rpcTimeout = .milliseconds(400)
            let publisher = try Publisher(settings)
            proxy.freeze()
            let error = #expect(throws: BrokerError.self) { try publisher.publish([OutgoingMessage(routingKey: queue, messageID: "1")]) }
            #expect(error?.kind == .timedOut)
            #expect(error?.message.contains("no confirmation") == true)
        }
    }

    @Test func `a connection cut in the middle of a batch throws`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue()
            let proxy = TestProxy(to: broker.settings.port).start()
            defer { proxy.stop() }
            var settings = broker.settings
            settings.port = proxy.port
            let publisher = try Publisher(settings)
            startThread { [settings = broker.settings] in
                // Once the first messages are through, the batch is under way.
                guard let connection = try? BrokerConnection(settings) else { return }
                while (try? connection.declarePassively(queue)?.messages) == 0 {}
                proxy.cut()
            }
            let messages = (0..<2000).map { OutgoingMessage(routingKey: queue, messageID: "\($0)") }
            let error = #expect(throws: BrokerError.self) {
                while true { _ = try publisher.publish(messages) }
            }
            #expect(error?.kind == .unreachable)
        }
    }
}
