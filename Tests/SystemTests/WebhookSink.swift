import HTTPServer
import JSON
import Synchronization

/// A subscriber's server: it keeps what it gets, and answers as the test wants.
final class WebhookSink: Sendable {
    struct Received: Sendable {
        var id: String
        var timestamp: String
        var signature: String
        var body: [UInt8]

        private var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
        var type: String { json["type"]?.string ?? "" }
        var planID: String { json["data"]?["plan"]?["id"]?.string ?? "" }
    }

    enum Manner: Sendable {
        case taking
        /// Answers the first attempt of each delivery with this status.
        case refusingOnce(Int)
        /// Keeps what it gets and does not answer before the client has gone.
        case hanging
    }

    private struct State {
        var manner = Manner.taking
        var received: [Received] = []
    }

    private let state: Mutex<State>
    private let server = Mutex<Server?>(nil)

    private init(_ manner: Manner) { state = Mutex(State(manner: manner)) }

    /// Listens on a free port of loopback while the body runs.
    static func run<R>(_ manner: Manner = .taking, _ body: (WebhookSink) async throws -> R) async throws -> R {
        let sink = WebhookSink(manner)
        var settings = ServerSettings()
        settings.port = 0
        settings.threads = 1
        let server = Server(settings) { request in await sink.receive(request) }
        try server.start()
        sink.server.withLock { $0 = server }
        let result: Result<R, any Error>
        do {
            result = .success(try await body(sink))
        } catch {
            result = .failure(error)
        }
        await server.stop(grace: .zero)
        return try result.get()
    }

    var url: String { "http://127.0.0.1:\(server.withLock { $0?.port } ?? 0)/events" }

    var received: [Received] { state.withLock { $0.received } }

    func become(_ manner: Manner) { state.withLock { $0.manner = manner } }

    private func receive(_ request: Request) async -> Response {
        let id = request.headers["webhook-id"] ?? ""
        let (manner, isFirst) = state.withLock { state in
            let isFirst = !state.received.contains { $0.id == id }
            state.received.append(
                Received(
                    id: id, timestamp: request.headers["webhook-timestamp"] ?? "",
                    signature: request.headers["webhook-signature"] ?? "", body: request.body))
            return (state.manner, isFirst)
        }
        switch manner {
        case .taking: return .noContent
        case .refusingOnce(let status): return isFirst ? .text("no\n", status: status) : .noContent
        case .hanging:
            // Ends when the client goes or the server stops: both cancel the task.
            try? await Task.sleep(for: .seconds(300))
            return .noContent
        }
    }
}
