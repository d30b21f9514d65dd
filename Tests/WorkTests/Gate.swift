import Synchronization
import Telemetry

/// Closed until it is opened; those who wait do not mind being cancelled, as a process that hangs would not.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var isOpen: Bool { state.withLock { $0.isOpen } }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}

/// What was logged.
final class LogBook: Sendable {
    private let records = Mutex<[LogRecord]>([])

    func add(_ record: LogRecord) { records.withLock { $0.append(record) } }

    var messages: [String] { records.withLock { $0.map(\.message) } }
}
