internal import HTTPServer
internal import Testing

@Suite(.timeLimit(.minutes(5)))
struct StoppingTests {
    private static let ask = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    private func started(_ handler: @escaping Server.Handler) throws -> Server {
        var settings = ServerSettings()
        settings.port = 0
        let server = Server(settings, handler: handler)
        try server.start()
        return server
    }

    @Test func `a request in hand is finished, and its connection is closed`() async throws {
        let asked = Signal()
        let allowed = Signal()
        let server = try started { _ in
            asked.give()
            await allowed.wait()
            return .text("finished")
        }
        let port = server.port
        async let response = onThread {
            let client = try RawClient(port: port)
            try client.send(Self.ask)
            let response = try client.response()
            #expect(client.isClosed())
            return response
        }
        await asked.wait()
        async let stopped: Void = server.stop(grace: .seconds(60))
        try await happens { (try? RawClient(port: port)) == nil }
        allowed.give()
        #expect(try await response.text == "finished")
        #expect(try await response["Connection"] == "close")
        await stopped
    }

    @Test func `a request that hangs is cut when the grace is over`() async throws {
        let asked = Signal()
        let never = Signal()
        let server = try started { _ in
            asked.give()
            await never.wait()
            return .text("nobody reads this")
        }
        let port = server.port
        async let response = onThread {
            let client = try RawClient(port: port)
            try client.send(Self.ask)
            return try client.response()
        }
        await asked.wait()
        let start = ContinuousClock.now
        await server.stop(grace: .milliseconds(200))
        let taken = ContinuousClock.now - start
        #expect(taken >= .milliseconds(200))
        #expect(taken < .seconds(5))
        #expect(try await response.status == 503)
        #expect(try await response.text.contains(#""code":"server_stopping""#))
        never.give()
    }

    @Test func `open streams, idle connections and half requests do not hold it up`() async throws {
        let sources = Counter()
        let closed = Counter()
        let server = try started { _ in
            let source = EventSource()
            source.onClose { closed.add() }
            sources.add()
            return .events(source)
        }
        let port = server.port
        let connected = Signal()
        async let clients: Void = onThread {
            let streams = try (0..<5).map { _ in try RawClient(port: port) }
            let idle = try (0..<5).map { _ in try RawClient(port: port) }
            let half = try (0..<5).map { _ in try RawClient(port: port) }
            for client in streams { try client.send(Self.ask) }
            for client in half { try client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc") }
            for client in streams { #expect(try client.head().status == 200) }
            connected.give()
            for client in streams {
                #expect(try client.chunk() != nil)
                #expect(try client.chunk() == nil)
            }
            for client in streams + idle + half { #expect(client.isClosed()) }
        }
        await connected.wait()
        let start = ContinuousClock.now
        await server.stop(grace: .milliseconds(300))
        #expect(ContinuousClock.now - start < .seconds(5))
        try await clients
        #expect(sources.value == 5)
        #expect(closed.value == 5)
    }

    @Test func `a port in use is said clearly, and is free again after a stop`() async throws {
        let first = try started { _ in .noContent }
        var settings = ServerSettings()
        settings.port = first.port
        let second = Server(settings) { _ in .noContent }
        let error = #expect(throws: HTTPServerError.self) { try second.start() }
        #expect(error?.kind == .addressInUse)
        #expect(error?.message == "127.0.0.1 port \(first.port) is in use by another process")
        await first.stop(grace: .zero)
        try second.start()
        #expect(try await fetch(second).status == 204)
        await second.stop(grace: .zero)
    }

    @Test func `a server starts once, stops as often as it is told, and needs an address`() async throws {
        let server = try started { _ in .noContent }
        #expect(throws: HTTPServerError.self) { try server.start() }
        await withTaskGroup { group in
            for _ in 0..<5 { group.addTask { await server.stop(grace: .zero) } }
        }
        await server.stop()
        await Server { _ in .noContent }.stop()
        var settings = ServerSettings()
        settings.port = 0
        settings.address = "example.org"
        let nowhere = Server(settings) { _ in .noContent }
        #expect(throws: HTTPServerError.self) { try nowhere.start() }
    }

    @Test func `it serves IPv6, and shows IPv4 clients of a dual socket as what they are`() async throws {
        var settings = ServerSettings()
        settings.port = 0
        settings.address = "::"
        let server = Server(settings) { .text($0.clientAddress) }
        try server.start()
        #expect(try await fetch(server).text == "127.0.0.1")
        await server.stop(grace: .zero)
    }

    @Test func `two hundred starts and stops under fire neither crash nor hang`() async throws {
        for round in 0..<200 {
            let server = try started { request in
                switch request.rawPath {
                case "/events":
                    let source = EventSource()
                    source.send(data: "hello")
                    return .events(source)
                case "/slow":
                    try? await Task.sleep(for: .milliseconds(50))
                    return .text("slow")
                default:
                    return .text("fast")
                }
            }
            let port = server.port
            let firing = Signal()
            async let shots = onThread {
                var clients: [RawClient] = []
                for number in 0..<12 {
                    let path = ["/", "/slow", "/events", "/"][number % 4]
                    guard let client = try? RawClient(port: port) else { break }
                    try? client.send("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\nGET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
                    clients.append(client)
                    if number == round % 12 { firing.give() }
                }
                firing.give()
                for client in clients { _ = try? client.rest() }
                return clients.count
            }
            await firing.wait()
            await server.stop(grace: .milliseconds(round % 40))
            #expect(server.connectionCount >= 0)
            _ = try await shots
        }
    }
}
