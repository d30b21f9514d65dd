internal import Clocks
internal import Crypto
internal import HTTPServer
internal import JSON
internal import Synchronization

/// A webhook subscriber of the demo's own: it verifies each signature as any subscriber should.
final class DemoReceiver: Sendable {
    struct Received: Sendable {
        var id: String
        var type: String
        var verified: Bool
    }

    private struct State {
        var secret: WebhookSecret?
        var received: [Received] = []
    }

    private let state = Mutex(State())
    private let server = Mutex<Server?>(nil)

    /// Listens on a free port of loopback.
    func start() throws -> String {
        var settings = ServerSettings()
        settings.port = 0
        settings.threads = 1
        let server = Server(settings) { [self] request in receive(request) }
        try server.start()
        self.server.withLock { $0 = server }
        return "http://127.0.0.1:\(server.port)/events"
    }

    func stop() async {
        await server.withLock { $0 }?.stop(grace: .seconds(1))
    }

    func trust(_ secret: WebhookSecret) { state.withLock { $0.secret = secret } }

    /// Waits for an event of this type, verified or not.
    func wait(for type: String) async throws -> Received {
        for _ in 0..<2000 {
            if let event = state.withLock({ $0.received.first { $0.type == type } }) { return event }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw CommandFailure(.failure, "no \(type) event came within 10 s")
    }

    private func receive(_ request: Request) -> Response {
        let type = (try? JSONValue(parsing: request.body))?["type"]?.string ?? ""
        let id = request.headers["webhook-id"] ?? ""
        state.withLock { state in
            var verified = false
            if let secret = state.secret {
                do {
                    try WebhookSignature.verify(
                        request.headers["webhook-signature"] ?? "", id: id, timestamp: request.headers["webhook-timestamp"] ?? "", body: request.body,
                        secrets: [secret], now: Instant.now.seconds)
                    verified = true
                } catch {
                    // Told by the tour.
                }
            }
            state.received.append(Received(id: id, type: type, verified: verified))
        }
        return Response(204)
    }
}
