internal import CCurl
internal import Glibc

/// epoll, level-triggered, for the loop's thread alone.
@safe
final class Poller {
    struct Event {
        let descriptor: Int32
        let readable: Bool
        let writable: Bool
        let broken: Bool
    }

    private static let capacity = 256
    private static let readFlag = UInt32(EPOLLIN.rawValue)
    private static let writeFlag = UInt32(EPOLLOUT.rawValue)
    private static let brokenFlag = UInt32(EPOLLERR.rawValue | EPOLLHUP.rawValue)

    private let epoll: Int32
    private let buffer = UnsafeMutablePointer<epoll_event>.allocate(capacity: capacity)

    init() {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        precondition(epoll >= 0, "the system has room for one more epoll descriptor")
    }

    deinit {
        close(epoll)
        unsafe buffer.deallocate()
    }

    /// Watches the descriptor for exactly this, whether it was watched before or not.
    ///
    /// libcurl closes a descriptor before it says so, and the next socket gets the same number; the kernel has forgotten the old one by then.
    func watch(_ descriptor: Int32, read: Bool, write: Bool) {
        var event = unsafe epoll_event()
        unsafe event.events = (read ? Self.readFlag : 0) | (write ? Self.writeFlag : 0)
        unsafe event.data.fd = descriptor
        if unsafe epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event) != 0 { _ = unsafe epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) }
    }

    func forget(_ descriptor: Int32) {
        var unused = unsafe epoll_event()
        _ = unsafe epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &unused)
    }

    /// Waits until something happens or the time is over; nil waits without end.
    func wait(nanoseconds: Int64?) -> [Event] {
        let milliseconds = nanoseconds.map { Int32(clamping: max(0, $0 + 999_999) / 1_000_000) } ?? -1
        let count = unsafe epoll_wait(epoll, buffer, Int32(Self.capacity), milliseconds)
        return (0..<max(0, Int(count))).map { index in
            let event = unsafe buffer[index]
            let flags = unsafe event.events
            return Event(
                descriptor: unsafe event.data.fd, readable: flags & Self.readFlag != 0, writable: flags & Self.writeFlag != 0,
                broken: flags & Self.brokenFlag != 0)
        }
    }
}
