internal import HTTPServer
internal import JSON
internal import Synchronization

/// The subscribers' server: it keeps under which ids each plan's events came, and refuses some the first time.
final class ChaosSink: Sendable {
    /// Of one plan and type.
    struct Key: Hashable, Sendable {
        var type: String
        var planID: String
    }

    private struct State {
        var ids: [Key: Set<String>] = [:]
        var received = 0
        var seen: Set<String> = []
        var manner = Manner.refusingSome
    }

    enum Manner: Sendable {
        /// Every sixteenth delivery is taken at its second attempt.
        case refusingSome
        case taking
        /// Every sixteenth request is never answered.
        case hangingSometimes
        case hanging
    }

    private let state = Mutex(State())
    private let server = Mutex<Server?>(nil)

    /// Listens on a free port of loopback.
    func start() throws -> String {
        var settings = ServerSettings()
        settings.port = 0
        settings.threads = 1
        let server = Server(settings) { [self] request in await receive(request) }
        try server.start()
        self.server.withLock { $0 = server }
        return "http://127.0.0.1:\(server.port)/events"
    }

    func stop() throws {
        guard let server = server.withLock({ $0 }) else { return }
        try blocking { await server.stop(grace: .zero) }
    }

    func ids(_ type: String, _ planID: String) -> Set<String> { state.withLock { $0.ids[Key(type: type, planID: planID)] ?? [] } }

    /// How many requests came, repetitions included.
    var received: Int { state.withLock { $0.received } }

    /// What hangs already stays hanging.
    func become(_ manner: Manner) { state.withLock { $0.manner = manner } }

    private func receive(_ request: Request) async -> Response {
        let id = request.headers["webhook-id"] ?? ""
        let body = (try? JSONValue(parsing: request.body)) ?? .null
        let key = Key(type: body["type"]?.string ?? "", planID: body["data"]?["plan"]?["id"]?.string ?? "")
        let (isFirst, manner) = state.withLock { state in
            state.received += 1
            state.ids[key, default: []].insert(id)
            return (state.seen.insert(id).inserted, state.manner)
        }
        let isChosen = id.hasSuffix("7")
        if manner == .hanging || manner == .hangingSometimes && isChosen {
            // Ends when the client goes or the server stops: both cancel the task.
            try? await Task.sleep(for: .seconds(600))
        }
        return isFirst && isChosen && manner == .refusingSome ? .text("once more\n", status: 500) : .noContent
    }
}
