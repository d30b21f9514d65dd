import Testing

@testable import RabbitMQ

/// `amqps://`: whom we believe, and whom not.
@Suite(
    .enabled(if: TestBroker.url != nil, "MILLRACE_TEST_AMQP names no broker"),
    .enabled(if: TLSProxy.isAvailable, "openssl or python3 is not installed"), .timeLimit(.minutes(1)))
struct TLSTests {
    /// The URL of the proxy as an operator would write it.
    private static func settings(_ proxy: TLSProxy, _ broker: BrokerSettings, host: String = "localhost", authority: String) throws -> BrokerSettings
    {
        var settings = try BrokerSettings(url: "amqps://\(host):\(proxy.port)/?cacertfile=\(authority)&connection_timeout=3000")
        (settings.user, settings.password, settings.virtualHost) = (broker.user, broker.password, broker.virtualHost)
        return settings
    }

    private static func refusal(_ settings: BrokerSettings) throws -> BrokerError {
        try #require(throws: BrokerError.self) { try BrokerConnection(settings) }
    }

    @Test func `a broker whose certificate our authority signed is published to and consumed from`() async throws {
        let texts = try await onThread {
            let broker = try TestBroker()
            let proxy = try TLSProxy(to: broker.settings.port)
            let settings = try Self.settings(proxy, broker.settings, authority: proxy.authority)
            #expect(settings.usesTLS)
            let queue = try broker.queue()
            let publisher = try Publisher(settings)
            defer { publisher.close() }
            let bodies = (0..<200).map { "\($0) " + String(repeating: "x", count: 2_000) }
            let outcomes = try publisher.publish(
                bodies.map { OutgoingMessage(routingKey: queue, messageID: String($0.prefix(3)), body: Array($0.utf8)) })
            #expect(outcomes.allSatisfy { $0 == .confirmed })
            let consumer = try Consumer(settings)
            defer { consumer.close() }
            _ = try consumer.consume(queue, prefetch: 200, consumerTag: "me")
            return (bodies, try consumer.take(200).map(\.text))
        }
        #expect(texts.0 == texts.1)
    }

    @Test func `a certificate for another name is refused`() async throws {
        let error = try await onThread {
            let broker = try TestBroker()
            let proxy = try TLSProxy(to: broker.settings.port)
            return try Self.refusal(Self.settings(proxy, broker.settings, host: "127.0.0.1", authority: proxy.authority))
        }
        #expect(error.kind == .unreachable && error.message.contains("hostname verification"), "\(error)")
    }

    @Test func `a certificate of an unknown authority is refused`() async throws {
        let errors = try await onThread {
            let broker = try TestBroker()
            let proxy = try TLSProxy(to: broker.settings.port)
            let standard = BrokerSettings().certificateAuthorities
            return try [proxy.stranger, standard].map { try Self.refusal(Self.settings(proxy, broker.settings, authority: $0)) }
        }
        for error in errors { #expect(error.kind == .unreachable && error.message.contains("peer cert verification"), "\(error)") }
    }

    @Test func `a file of authorities that is not there is a mistake in the settings`() async throws {
        let error = try await onThread {
            let broker = try TestBroker()
            let proxy = try TLSProxy(to: broker.settings.port)
            return try Self.refusal(Self.settings(proxy, broker.settings, authority: "/nonexistent/ca.pem"))
        }
        #expect(error.kind == .invalidSettings)
    }

    @Test func `a server without TLS is refused, and no password is sent to it`() async throws {
        let error = try await onThread {
            let broker = try TestBroker()
            var settings = broker.settings
            settings.usesTLS = true
            settings.connectTimeout = .seconds(3)
            return try Self.refusal(settings)
        }
        #expect(error.kind == .unreachable)
    }
}
