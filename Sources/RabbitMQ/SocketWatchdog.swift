internal import Bytes
internal import CLinux
internal import Glibc
internal import Synchronization

/// Shuts the socket under a call that hangs: the only way to get a thread out of librabbitmq again.
///
/// A broker that is short of memory or disk stops reading, and a write to it blocks for ever (rabbitmq-c#519); a deadline inside the blocked thread cannot
/// help. So every write is announced by a counter: odd while inside, even outside. One thread for the process looks at the counters now and then, and where
/// one stands still at an odd number for too long, it calls shutdown(2): the blocked call fails, and its caller connects anew. The announcing side
/// pays two atomic additions and reads no clock.
///
/// The watchdog works on a duplicate of the descriptor, because librabbitmq closes its own when it likes, and the number may by then be somebody else's.
package final class SocketWatchdog: Sendable {
    /// The one that all connections of this process share.
    package static let process = SocketWatchdog()

    private struct Watched {
        let leash: Leash
        var seen: UInt64 = 0
        var since: Int64 = 0
    }

    private let watched = Mutex<[ObjectIdentifier: Watched]>([:])
    private let changed = WakeUp()
    private let running = Atomic(false)

    private init() {}

    /// Watches this socket from now on; nil when there is no descriptor for the duplicate.
    func watch(_ socket: Int32, limit: Duration) -> Leash? {
        guard let leash = Leash(socket, limit: limit) else { return nil }
        watched.withLock { $0[ObjectIdentifier(leash)] = Watched(leash: leash) }
        if !running.exchange(true, ordering: .acquiringAndReleasing) { startThread() }
        changed.signal()
        return leash
    }

    /// Ends the watch and closes the duplicate; the socket is shut down with it.
    func release(_ leash: Leash) {
        watched.withLock { watched in
            guard watched.removeValue(forKey: ObjectIdentifier(leash)) != nil else { return }
            leash.shutDown()
            close(leash.socket)
        }
    }

    /// The life of the thread: it sleeps without end while nothing is watched.
    fileprivate func run() {
        var pause: Int32 = -1
        while true {
            var descriptor = pollfd(fd: changed.fd, events: Int16(POLLIN), revents: 0)
            unsafe poll(&descriptor, 1, pause)
            changed.clear()
            pause = look()
        }
    }

    /// Looks at every counter once; returns the milliseconds until the next look.
    private func look() -> Int32 {
        let now = monotonicNanoseconds()
        return watched.withLock { watched in
            var shortest = Int64.max
            for key in watched.keys {
                guard var entry = watched[key] else { continue }
                let count = entry.leash.count
                if count != entry.seen {
                    entry.seen = count
                    entry.since = now
                    watched[key] = entry
                } else if count % 2 == 1, now - entry.since >= entry.leash.limitNanoseconds {
                    entry.leash.trip()
                }
                shortest = min(shortest, entry.leash.limitNanoseconds)
            }
            return shortest == .max ? -1 : Int32(min(1000, max(10, shortest / 4_000_000)))
        }
    }

    private func startThread() {
        var thread = pthread_t()
        let status = unsafe pthread_create(&thread, nil, runWatchdog, nil)
        precondition(status == 0, "the system has room for one more thread")
        pthread_detach(thread)
    }
}

/// One watched socket: what its owner announces its calls to.
final class Leash: Sendable {
    /// A duplicate of the connection's descriptor.
    let socket: Int32
    let limitNanoseconds: Int64
    private let calls = Atomic<UInt64>(0)
    private let hasTripped = Atomic(false)

    fileprivate init?(_ socket: Int32, limit: Duration) {
        self.socket = fcntl(socket, F_DUPFD_CLOEXEC, 0)
        guard self.socket >= 0 else { return nil }
        limitNanoseconds = limit.nanoseconds
    }

    /// Runs a call that may hang.
    @inline(__always)
    func during<R>(_ call: () -> R) -> R {
        calls.wrappingAdd(1, ordering: .relaxed)
        defer { calls.wrappingAdd(1, ordering: .relaxed) }
        return call()
    }

    /// Whether the watchdog had to act.
    var tripped: Bool { hasTripped.load(ordering: .acquiring) }

    fileprivate var count: UInt64 { calls.load(ordering: .relaxed) }

    fileprivate func trip() {
        hasTripped.store(true, ordering: .releasing)
        shutDown()
    }

    func shutDown() { shutdown(socket, Int32(SHUT_RDWR)) }
}

private func runWatchdog(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    unsafe clinux_set_thread_name("amqp-watchdog")
    SocketWatchdog.process.run()
    return nil
}
