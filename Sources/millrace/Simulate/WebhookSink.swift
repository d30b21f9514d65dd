internal import Bytes
internal import Clocks
internal import Crypto
internal import HTTPServer
internal import JSON
internal import Synchronization

/// A subscriber that answers as it is told, verifies what it gets and counts.
///
/// Each path is an endpoint. What is hot takes one short lock; the verification happens outside of it. The ids of accepted deliveries are kept for counting
/// duplicates, 16 bytes each.
final class WebhookSink: Sendable {
    private struct State {
        var endpoints: [String: SinkTally] = [:]
        var accepted: Set<String> = []
        /// By path; those of the empty path are believed everywhere.
        var secrets: [String: [WebhookSecret]] = [:]
        var lastAcceptedAt: Int64 = 0
    }

    private let state = Mutex(State())
    private let behaviour: SinkBehaviour
    private let server = Mutex<Server?>(nil)

    init(_ behaviour: SinkBehaviour = SinkBehaviour()) {
        self.behaviour = behaviour
    }

    /// Believes this secret at a path, or everywhere.
    func trust(_ secret: WebhookSecret, at path: String = "") { state.withLock { $0.secrets[path, default: []].append(secret) } }

    /// Listens on loopback; port 0 takes a free one.
    ///
    /// - Returns: the base of the endpoints' URLs.
    func start(port: UInt16 = 0, threads: Int = 1) throws -> String {
        var settings = ServerSettings()
        settings.port = port
        settings.threads = threads
        settings.requestTimeLimit = .seconds(86_400)
        let server = Server(settings) { [self] request in await answer(request) }
        try server.start()
        self.server.withLock { $0 = server }
        return "http://127.0.0.1:\(server.port)"
    }

    func stop() async { await server.withLock { $0 }?.stop(grace: .zero) }

    /// Of one path, or of all.
    func tally(at path: String? = nil) -> SinkTally {
        state.withLock { state in
            if let path { return state.endpoints[path] ?? SinkTally() }
            return state.endpoints.values.reduce(SinkTally(), +)
        }
    }

    /// Monotonic nanoseconds.
    var lastAcceptedAt: Int64 { state.withLock { $0.lastAcceptedAt } }

    var json: JSONValue {
        let endpoints = state.withLock { $0.endpoints }
        var list = JSONObject()
        for (path, tally) in endpoints.sorted(by: { $0.key < $1.key }) { list[path] = tally.json }
        return ["total": tally().json, "endpoints": .object(list)]
    }

    private func answer(_ request: Request) async -> Response {
        if request.method == .get { return request.path == "/stats" ? .json(json) : Response(404) }
        var behaviour = behaviour
        if !request.query.items.isEmpty {
            do {
                try behaviour.read(request.query.items.map { ($0.name, $0.value) })
            } catch {
                return .text(error.message, status: 400)
            }
        }
        let verdict = verify(request)
        let failure = behaviour.draw()
        note(request, verdict, failure)
        if behaviour.delay > .zero { try? await Task.sleep(for: behaviour.delay) }
        switch failure {
        case nil: return .noContent
        case .reset: return .reset
        case .hang:
            // Ended by the client, which hangs up, or by the stop.
            try? await Task.sleep(for: .seconds(86_400))
            return .reset
        case .status(let status):
            var response = Response(status)
            if let seconds = behaviour.retryAfter { response.headers["Retry-After"] = String(seconds) }
            return response
        }
    }

    private enum Verdict { case unsigned, forged, verified, unchecked }

    private func verify(_ request: Request) -> Verdict {
        let standard = request.headers["webhook-signature"]
        let seed = ["X-Millrace-Signature", "X-Millrace-Signature-Previous"].compactMap { request.headers[$0] }
        guard standard != nil || !seed.isEmpty else { return .unsigned }
        let secrets = state.withLock { ($0.secrets[request.path] ?? []) + ($0.secrets[""] ?? []) }
        guard !secrets.isEmpty else { return .unchecked }
        guard let standard else {
            return secrets.contains { seed.contains(WebhookSignature.hexadecimal(body: request.body, secret: $0)) } ? .verified : .forged
        }
        do {
            try WebhookSignature.verify(
                standard, id: request.headers["webhook-id"] ?? "", timestamp: request.headers["webhook-timestamp"] ?? "", body: request.body,
                secrets: secrets, now: Instant.now.seconds)
            return .verified
        } catch {
            return .forged
        }
    }

    private func note(_ request: Request, _ verdict: Verdict, _ failure: SinkBehaviour.Failure?) {
        let id = request.headers["webhook-id"] ?? request.headers["X-Millrace-Delivery"] ?? ""
        let now = monotonicNanoseconds()
        state.withLock { state in
            var tally = state.endpoints[request.path] ?? SinkTally()
            tally.received += 1
            switch verdict {
            case .verified: tally.verified += 1
            case .forged: tally.forged += 1
            case .unsigned: tally.unsigned += 1
            case .unchecked: break
            }
            if failure == nil {
                tally.accepted += 1
                state.lastAcceptedAt = now
                if !id.isEmpty, !state.accepted.insert(request.path + " " + id).inserted { tally.duplicates += 1 }
            } else {
                tally.refused += 1
                if !id.isEmpty, state.accepted.contains(request.path + " " + id) { tally.duplicates += 1 }
            }
            state.endpoints[request.path] = tally
        }
    }
}
