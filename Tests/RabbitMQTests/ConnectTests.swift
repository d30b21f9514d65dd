import Testing

@testable import RabbitMQ

@Suite(.enabled(if: TestBroker.url != nil, "MILLRACE_TEST_AMQP names no broker"), .timeLimit(.minutes(1)))
struct ConnectTests {
    @Test func `a wrong password is refused and not repeated`() async throws {
        let error = try await onThread {
            var settings = try TestBroker().settings
            settings.password = "wr0ng"
            return try #require(throws: BrokerError.self) { try BrokerConnection(settings) }
        }
        #expect(error.kind == .authenticationRefused)
        #expect(!error.description.contains("wr0ng"))
    }

    @Test func `an unknown virtual host is said`() async throws {
        let error = try await onThread {
            var settings = try TestBroker().settings
            settings.virtualHost = "nowhere"
            return try #require(throws: BrokerError.self) { try BrokerConnection(settings) }
        }
        guard case .closedByBroker(530, let text) = error.kind else {
            Issue.record("\(error.kind)")
            return
        }
        #expect(text.contains("nowhere"))
    }

    @Test func `a port where nobody listens is unreachable`() async throws {
        let error = try await onThread {
            var settings = try TestBroker().settings
            settings.port = 1
            return try #require(throws: BrokerError.self) { try BrokerConnection(settings) }
        }
        #expect(error.kind == .unreachable)
    }

    @Test func `a server that says nothing is given up after the connect timeout`() async throws {
        let error = try await onThread {
            let hole = TestProxy(to: nil).start()
            defer { hole.stop() }
            var settings = try TestBroker().settings
            settings.port = hole.port
            settings.connectTimeout = .milliseconds(300)
            return try #require(throws: BrokerError.self) { try BrokerConnection(settings) }
        }
        #expect(error.kind == .timedOut)
    }

    @Test func `TLS to a server without TLS is unreachable`() async throws {
        let error = try await onThread {
            var settings = try TestBroker().settings
            settings.usesTLS = true
            settings.connectTimeout = .seconds(2)
            return try #require(throws: BrokerError.self) { try BrokerConnection(settings) }
        }
        #expect(error.kind == .unreachable)
    }

    @Test func `a broken connection says so at once, and for ever`() async throws {
        try await onThread {
            var settings = try TestBroker().settings
            let proxy = TestProxy(to: settings.port).start()
            defer { proxy.stop() }
            settings.port = proxy.port
            let connection = try BrokerConnection(settings)
            proxy.cut()
            let first = try #require(throws: BrokerError.self) {
                while true { try connection.keepAlive() }
            }
            #expect(first.kind == .unreachable)
            #expect(!connection.isOpen)
            let second = try #require(throws: BrokerError.self) { try connection.declarePassively("any") }
            #expect(second == first)
        }
    }
}
