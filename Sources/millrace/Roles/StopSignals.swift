internal import Glibc
internal import Lanes

/// SIGTERM and SIGINT as events.
///
/// They are blocked before any thread starts, so that only the waiting thread ever sees them.
enum StopSignals {
    /// Call before anything starts a thread.
    static func block() {
        var signals = set
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Waits for the first signal.
    ///
    /// A second one ends the process at once, whatever the stop is doing.
    static func wait() -> Int32 {
        var signals = set
        var signal: Int32 = 0
        sigwait(&signals, &signal)
        _ = Thread("second-signal") {
            var signals = set
            var again: Int32 = 0
            sigwait(&signals, &again)
            _exit(128 + again)
        }
        return signal
    }

    private static var set: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTERM)
        sigaddset(&signals, SIGINT)
        return signals
    }
}
