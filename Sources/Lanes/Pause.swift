internal import Glibc

/// Blocks the calling thread; only for threads of our own, never in a Swift task.
package func pause(_ duration: Duration) {
    var time = timespec(
        tv_sec: Int(duration.components.seconds), tv_nsec: Int(duration.components.attoseconds / 1_000_000_000))
    var left = timespec()
    while unsafe nanosleep(&time, &left) == -1, errno == EINTR { time = left }
}
