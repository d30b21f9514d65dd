internal import Bytes
internal import Synchronization

/// One request and its answer.
///
///     receiving ──▶ running ──▶ answered ──▶ sending ──▶ over
///         └────────────────────────────────────▲
///                  (refused, or the server is closing)
///
/// The event loop moves it from `receiving` to `running`: it suspends the connection and starts a task. Whoever comes first, the task, the clock
/// (504) or the stopping server (503), moves it to `answered` and resumes the connection; whoever comes later finds that and does nothing. Every
/// step is taken under the lock, with the suspending and resuming inside of it, so a connection is resumed exactly once: the library aborts
/// the process when one is still suspended as it stops, and a second resume would touch memory that is gone.
final class Exchange: Sendable {
    enum Phase { case receiving, running, answered, sending, over }

    enum Step {
        case goOn
        case send(Answer, closes: Bool)
        /// Close the connection without a word.
        case cut
    }

    struct State {
        var phase = Phase.receiving
        var head: RequestHead?
        var body: [UInt8] = []
        var received = 0
        /// Why the request will not reach a handler; sent when the client has finished sending.
        var refusal: Problem?
        var handle: RequestHandle?
        var task: Task<Void, Never>?
        var answer: Answer?
        var source: EventSource?
        var route: String?
        var status = 0
        var sent = 0
    }

    let core: ServerCore
    let connection: Connection
    let id = Identifier.next()
    let receivedAt = monotonicNanoseconds()
    let rawTarget: [UInt8]
    let state = Mutex(State())

    init(_ core: ServerCore, _ connection: Connection, rawTarget: [UInt8]) {
        self.core = core
        self.connection = connection
        self.rawTarget = rawTarget
    }

    // MARK: On any thread

    /// The clock's turn: an upload that takes too long is cut, a handler that does is cancelled and answered for, a silent stream gets a beat.
    func tick(now: Int64) {
        let isLate = now - receivedAt > core.settings.requestTimeLimit.nanoseconds
        let cuts = state.withLock { state in
            switch state.phase {
            case .receiving where isLate:
                state.status = 408
                return true
            case .running where isLate:
                answer(Answer(.requestTimeout), &state)
            case .sending:
                state.source?.beat(now: now, silence: core.settings.heartbeat.nanoseconds)
            default: break
            }
            return false
        }
        if cuts { connection.cut() }
    }

    /// The server wants to stop: streams end, everything else may finish.
    func drain() {
        state.withLock { state in
            state.source?.finish()
            if case .events(let source) = state.answer?.body { source.finish() }
        }
    }

    /// The server will not wait any longer.
    func close() {
        let cuts = state.withLock { state in
            switch state.phase {
            case .receiving: return true
            case .running: answer(Answer(.stopping), &state)
            case .answered, .sending:
                state.source?.abort()
                if case .events(let source) = state.answer?.body { source.abort() }
            case .over: break
            }
            return false
        }
        if cuts { connection.cut() }
    }

    /// The other end of the socket has closed; a stream of events is over by that.
    func clientGone() { state.withLock { $0.source?.abort() } }

    /// Whether the request has not arrived as a whole.
    var isReceiving: Bool { state.withLock { $0.phase == .receiving } }

    /// Runs the handler; the body of the task.
    func run(_ request: Request) async {
        let response = await core.handler(request)
        let answer = Answer(response, to: request)
        let isTaken = state.withLock { state in
            guard state.phase == .running else { return false }
            self.answer(answer, &state)
            return true
        }
        if !isTaken { answer.discard() }
    }

    /// From running to answered.
    private func answer(_ answer: Answer, _ state: inout State) {
        state.phase = .answered
        state.answer = answer
        // The task that comes by itself is past its handler; any other is told to give up.
        state.task?.cancel()
        state.task = nil
        if core.phase != .serving, case .events(let source) = answer.body { source.finish() }
        state.handle?.resume()
    }
}

extension Duration {
    /// The whole nanoseconds of this duration; beyond 292 years it stays there.
    var nanoseconds: Int64 {
        let (seconds, overflow) = components.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max / 2 : min(.max / 2, seconds + components.attoseconds / 1_000_000_000)
    }
}
