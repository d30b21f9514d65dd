internal import Bytes
internal import Glibc
internal import Synchronization

/// Decides, for all lanes of a database together, when the next attempt to connect is due.
///
/// While the server is away, one attempt per pause is enough for everybody: whoever comes in between waits when the pause ends within its patience,
/// and otherwise fails at once with the error of the last attempt.
final class ServerDoor: Sendable {
    private struct State {
        var backoff = ConnectBackoff()
        var lastError: PostgresError?
    }

    private let state = Mutex(State())
    private let patience: Duration

    init(patience: Duration) { self.patience = patience }

    func enter(_ connect: () throws(PostgresError) -> Connection) throws(PostgresError) -> Connection {
        let deadline = ContinuousClock.now + patience
        while true {
            try awaitTurn(until: deadline)
            do {
                let connection = try connect()
                state.withLock { $0 = State() }
                return connection
            } catch {
                state.withLock { state in
                    state.backoff.failed(at: .now, jitter: .random(in: 0.75...1.25))
                    state.lastError = error
                }
                guard error.isTransient else { throw error }
            }
        }
    }

    private func awaitTurn(until deadline: ContinuousClock.Instant) throws(PostgresError) {
        while true {
            let (turn, lastError) = state.withLock { ($0.backoff.nextAttempt, $0.lastError) }
            let now = ContinuousClock.now
            guard let turn, turn > now else { return }
            guard turn <= deadline else { throw lastError ?? PostgresError(.unreachable, message: "the server is away") }
            sleepThread(turn - now)
        }
    }
}

/// The pauses between attempts to connect: 50 ms, doubled up to 5 s.
struct ConnectBackoff {
    private(set) var nextAttempt: ContinuousClock.Instant?
    private var failures = 0

    mutating func failed(at now: ContinuousClock.Instant, jitter: Double) {
        let milliseconds = min(5000, 50 << min(failures, 10))
        failures += 1
        nextAttempt = now + .milliseconds(milliseconds) * jitter
    }
}

/// Blocks the calling thread, which must be a lane's.
func sleepThread(_ duration: Duration) {
    _ = poll(nil, 0, Int32(clamping: duration.wholeMilliseconds))
}
