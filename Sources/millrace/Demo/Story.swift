internal import Bytes
internal import Synchronization

/// Tells what happens as it happens, each line with the time since the last.
final class Story: Sendable {
    private let last = Mutex(monotonicNanoseconds())

    func chapter(_ title: String) {
        Output.line()
        Output.line(title)
        last.withLock { $0 = monotonicNanoseconds() }
    }

    func step(_ text: String) {
        let now = monotonicNanoseconds()
        let tenths = last.withLock { last in
            defer { last = now }
            return (now - last) / 100_000
        }
        let time = "\(tenths / 10).\(tenths % 10) ms"
        Output.line(String(repeating: " ", count: max(0, 11 - time.count)) + time + "  " + text)
    }
}
