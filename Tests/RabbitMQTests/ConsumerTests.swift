import Testing

@testable import RabbitMQ

@Suite(.enabled(if: TestBroker.url != nil, "MILLRACE_TEST_AMQP names no broker"), .timeLimit(.minutes(1)))
struct ConsumerTests {
    @Test func `a message arrives as it was sent`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue()
            let headers: [String: HeaderValue] = [
                "text": "grüße", "empty": "", "number": -5, "large": .int(.max), "flag": true, "ratio": .double(0.5), "bytes": .bytes([0, 255]),
                "time": .timestamp(1_700_000_000), "nothing": .null, "list": .array([1, "two", .array([])]),
                "table": .table(["a": .table(["b": 1]), "c": .table([:])]),
            ]
            let bodies: [[UInt8]] = [[], [0], Array("{}".utf8), (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }]
            let publisher = try Publisher(broker.settings)
            defer { publisher.close() }
            let outcomes = try publisher.publish(
                bodies.enumerated().map { index, body in
                    OutgoingMessage(routingKey: queue, messageID: "m\(index)", headers: headers, body: body, contentType: "application/json")
                })
            #expect(outcomes.allSatisfy { $0 == .confirmed })

            let consumer = try Consumer(broker.settings)
            defer { consumer.close() }
            let subscription = try consumer.consume(queue, prefetch: 10, consumerTag: "me")
            let deliveries = try consumer.take(4)
            #expect(deliveries.map(\.body) == bodies)
            for (index, delivery) in deliveries.enumerated() {
                #expect(delivery.messageID == "m\(index)")
                #expect(delivery.headers == headers)
                #expect(delivery.contentType == "application/json")
                #expect(delivery.routingKey == queue)
                #expect(delivery.exchange == "")
                #expect(!delivery.redelivered)
                #expect(delivery.subscription == subscription)
            }
            #expect(try consumer.acknowledge(deliveries[0].tag))
            #expect(try consumer.acknowledge(deliveries[3].tag, multiple: true))
            try consumer.close(subscription)
            #expect(try consumer.connection.declarePassively(queue)?.messages == 0)
        }
    }

    @Test func `nesting deeper than the limit reads as null`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue()
            var value: HeaderValue = "bottom"
            for _ in 0..<50 { value = .table(["d": value]) }
            let publisher = try Publisher(broker.settings)
            defer { publisher.close() }
            #expect(try publisher.publish([OutgoingMessage(routingKey: queue, messageID: "deep", headers: ["d": value])]) == [.confirmed])
            let consumer = try Consumer(broker.settings)
            defer { consumer.close() }
            _ = try consumer.consume(queue, prefetch: 1, consumerTag: "me")
            var got = try #require(consumer.take(1).first?.headers["d"])
            var depth = 0
            while case .table(let inner) = got, let next = inner["d"] {
                got = next
                depth += 1
            }
            #expect(got == .null)
            #expect(depth == Headers.depthLimit)
        }
    }

    @Test func `no more than the limit is handed out, and nothing is forgotten`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue()
            try broker.publish((0..<50).map { "\($0)" }, to: queue)
            let consumer = try Consumer(broker.settings)
            defer { consumer.close() }
            _ = try consumer.consume(queue, prefetch: 100, consumerTag: "me")
            var got: [String] = []
            let deadline = ContinuousClock.now + .seconds(10)
            while got.count < 50, ContinuousClock.now < deadline {
                let deliveries = try consumer.waitForDeliveries(limit: 7, timeout: .milliseconds(200))
                #expect(deliveries.count <= 7)
                got += deliveries.map(\.text)
            }
            #expect(got == (0..<50).map { "\($0)" })
        }
    }

    @Test func `prefetch bounds what is unacknowledged`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue()
            try broker.publish(["a", "b", "c", "d"], to: queue)
            let consumer = try Consumer(broker.settings)
            defer { consumer.close() }
            _ = try consumer.consume(queue, prefetch: 2, consumerTag: "me")
            let first = try consumer.take(2)
            #expect(first.map(\.text) == ["a", "b"])
            #expect(try consumer.waitForDeliveries(timeout: .milliseconds(200)).isEmpty)
            try consumer.acknowledge(first[1].tag, multiple: true)
            #expect(try consumer.take(2).map(\.text) == ["c", "d"])
        }
    }

    @Test func `one consumer serves several queues, each with its own tags`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let names = try ["a", "b"].map { try broker.queue($0) }
            for name in names { try broker.publish([name], to: name) }
            let consumer = try Consumer(broker.settings)
            defer { consumer.close() }
            let subscriptions = try names.map { try consumer.consume($0, prefetch: 5, consumerTag: "same") }
            let deliveries = try consumer.take(2)
            for delivery in deliveries {
                #expect(delivery.text == delivery.subscription.queue)
                try consumer.acknowledge(delivery.tag)
            }
            try consumer.close(subscriptions[0])
            try broker.publish(["more"], to: names[1])
            #expect(try consumer.take(1).map(\.subscription) == [subscriptions[1]])
        }
    }

    @Test func `what a lost connection held comes again, marked`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue()
            try broker.publish(["a"], to: queue)
            let proxy = TestProxy(to: broker.settings.port).start()
            defer { proxy.stop() }
            var settings = broker.settings
            settings.port = proxy.port
            let lost = try Consumer(settings)
            _ = try lost.consume(queue, prefetch: 5, consumerTag: "lost")
            #expect(try lost.take(1).first?.redelivered == false)
            proxy.cut()
            let error = try #require(throws: BrokerError.self) { try lost.waitForDeliveries(timeout: .seconds(10)) }
            #expect(error.kind == .unreachable)
            #expect(error.subscription == nil)

            let next = try Consumer(broker.settings)
            defer { next.close() }
            _ = try next.consume(queue, prefetch: 5, consumerTag: "next")
            let again = try #require(next.take(1).first)
            #expect(again.text == "a")
            #expect(again.redelivered)
            #expect(again.headers["x-delivery-count"] == 1)
            try next.acknowledge(again.tag)
        }
    }

    @Test func `a rejected message goes to the dead letters`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let letters = try broker.queue("dead")
            let queue = try broker.queue("queue", QueueArguments(deadLetterExchange: "", deadLetterRoutingKey: letters))
            try broker.publish(["a"], to: queue)
            let consumer = try Consumer(broker.settings)
            defer { consumer.close() }
            _ = try consumer.consume(queue, prefetch: 5, consumerTag: "me")
            let first = try #require(consumer.take(1).first)
            try consumer.reject(first.tag, requeue: true)
            let second = try #require(consumer.take(1).first)
            #expect(second.redelivered)
            try consumer.reject(second.tag, requeue: false)
            _ = try consumer.consume(letters, prefetch: 5, consumerTag: "undertaker")
            let dead = try #require(consumer.take(1).first)
            #expect(dead.text == "a")
            guard case .array(let deaths) = dead.headers["x-death"], case .table(let death) = deaths.first else {
                Issue.record("\(dead.headers)")
                return
            }
            #expect(death["queue"] == .string(queue))
            #expect(death["reason"] == "rejected")
        }
    }

    @Test func `a wake-up ends the waiting`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue()
            let consumer = try Consumer(broker.settings)
            defer { consumer.close() }
            _ = try consumer.consume(queue, prefetch: 5, consumerTag: "me")
            let wake = WakeUp()
            startThread { wake.signal() }
            let started = ContinuousClock.now
            #expect(try consumer.waitForDeliveries(timeout: .seconds(30), wake: wake).isEmpty)
            #expect(ContinuousClock.now - started < .seconds(10))
            // Not cleared, it still counts; cleared, it does not.
            #expect(try consumer.waitForDeliveries(timeout: .seconds(30), wake: wake).isEmpty)
            wake.clear()
            try broker.publish(["a"], to: queue)
            #expect(try consumer.waitForDeliveries(timeout: .seconds(10), wake: wake).map(\.text) == ["a"])
        }
    }

    @Test func `heartbeats keep an idle connection`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue()
            var settings = broker.settings
            settings.heartbeatSeconds = 1
            let consumer = try Consumer(settings)
            defer { consumer.close() }
            _ = try consumer.consume(queue, prefetch: 5, consumerTag: "me")
            // The broker gives up after two intervals without a word.
            #expect(try consumer.waitForDeliveries(timeout: .seconds(4)).isEmpty)
            try broker.publish(["a"], to: queue)
            #expect(try consumer.take(1).map(\.text) == ["a"])
        }
    }

    @Test func `a broker that fell silent is noticed by its missing heartbeats`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue()
            let proxy = TestProxy(to: broker.settings.port).start()
            defer { proxy.stop() }
            var settings = broker.settings
            settings.port = proxy.port
            settings.heartbeatSeconds = 1
            let consumer = try Consumer(settings)
            _ = try consumer.consume(queue, prefetch: 5, consumerTag: "me")
            proxy.freeze()
            let started = ContinuousClock.now
            let error = #expect(throws: BrokerError.self) { try consumer.waitForDeliveries(timeout: .seconds(20)) }
            #expect(error?.kind == .timedOut)
            #expect(ContinuousClock.now - started < .seconds(10), "the waiting does not sleep past a heartbeat")
        }
    }

    @Test func `a deleted queue ends its subscription and no other`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let doomed = try broker.queue("doomed")
            let queue = try broker.queue()
            let consumer = try Consumer(broker.settings)
            defer { consumer.close() }
            let subscription = try consumer.consume(doomed, prefetch: 5, consumerTag: "doomed")
            _ = try consumer.consume(queue, prefetch: 5, consumerTag: "me")
            try consumer.connection.deleteQueue(doomed)
            let error = try #require(throws: BrokerError.self) { try consumer.waitForDeliveries(timeout: .seconds(10)) }
            #expect(error.kind == .consumerCancelled)
            #expect(error.subscription == subscription)
            try consumer.close(subscription)
            try broker.publish(["a"], to: queue)
            #expect(try consumer.take(1).map(\.text) == ["a"])
        }
    }

    @Test func `a channel that the broker closes ends its subscription and no other`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let queues = try ["a", "b"].map { try broker.queue($0) }
            try broker.publish(["x"], to: queues[0])
            let consumer = try Consumer(broker.settings)
            defer { consumer.close() }
            let first = try consumer.consume(queues[0], prefetch: 5, consumerTag: "a")
            _ = try consumer.consume(queues[1], prefetch: 5, consumerTag: "b")
            let delivery = try #require(consumer.take(1).first)
            try consumer.acknowledge(delivery.tag)
            // Twice is an error of the channel.
            try consumer.acknowledge(delivery.tag)
            let error = try #require(throws: BrokerError.self) { try consumer.waitForDeliveries(timeout: .seconds(10)) }
            #expect(error.kind == .preconditionFailed)
            #expect(error.subscription == first)
            #expect(try !consumer.acknowledge(delivery.tag), "its channel is gone")

            // The next one may get the same number; the old tag must not reach it.
            try broker.publish(["y"], to: queues[0])
            _ = try consumer.consume(queues[0], prefetch: 5, consumerTag: "a")
            #expect(try consumer.take(1).map(\.text) == ["y"])
            #expect(try !consumer.acknowledge(delivery.tag))
            try broker.publish(["z"], to: queues[1])
            #expect(try consumer.take(1).map(\.text) == ["z"])
        }
    }

    @Test func `after a cancel the rest is acknowledged and consuming begins anew`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue()
            let consumer = try Consumer(broker.settings)
            defer { consumer.close() }
            // Many rounds, with deliveries on their way: a channel or a delivery that is left over would show.
            for round in 0..<20 {
                try broker.publish(["\(round) a", "\(round) b"], to: queue)
                let subscription = try consumer.consume(queue, prefetch: 1, consumerTag: "me")
                let first = try #require(consumer.take(1).first)
                try consumer.cancel(subscription)
                #expect(try consumer.acknowledge(first.tag))
                // The second one may have been on its way before the cancel; if not, it is still in the queue.
                try consumer.close(subscription)
                #expect(try !consumer.acknowledge(first.tag))
                let next = try consumer.consume(queue, prefetch: 1, consumerTag: "me")
                let second = try #require(consumer.take(1).first)
                #expect([first, second].map(\.text) == ["\(round) a", "\(round) b"])
                try consumer.acknowledge(second.tag)
                try consumer.close(next)
            }
            #expect(try consumer.connection.declarePassively(queue)?.messages == 0)
        }
    }

    @Test func `a queue that does not exist cannot be consumed, and the consumer goes on`() async throws {
        try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue()
            let consumer = try Consumer(broker.settings)
            defer { consumer.close() }
            let missing = broker.name("missing")
            for _ in 0..<300 {
                let error = #expect(throws: BrokerError.self) { try consumer.consume(missing, prefetch: 1, consumerTag: "me") }
                #expect(error?.kind == .notFound)
            }
            try broker.publish(["a"], to: queue)
            _ = try consumer.consume(queue, prefetch: 5, consumerTag: "me")
            #expect(try consumer.take(1).map(\.text) == ["a"])
        }
    }
}
