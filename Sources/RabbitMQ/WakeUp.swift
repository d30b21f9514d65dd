internal import CLinux
internal import Glibc

/// Wakes a thread that waits in `poll`: an eventfd that any thread may signal.
///
/// Signals add up to one: after `clear`, look at what you were woken for, then wait again.
package final class WakeUp: Sendable {
    /// The descriptor to wait on; readable from `signal` until `clear`.
    package let fd: Int32

    package init() {
        fd = clinux_eventfd()
        precondition(fd >= 0, "the system has room for one more descriptor")
    }

    deinit { close(fd) }

    package func signal() {
        var one: UInt64 = 1
        // Fails only when the counter is full, and then it is readable already.
        unsafe _ = write(fd, &one, 8)
    }

    package func clear() {
        var count: UInt64 = 0
        unsafe _ = read(fd, &count, 8)
    }
}
