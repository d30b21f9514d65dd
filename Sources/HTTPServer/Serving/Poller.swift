internal import CLinux
internal import CMicroHTTPD
internal import Glibc

/// The epoll set of the gate: the listening socket, clients that close, and a bell that any thread may ring.
final class Poller: Sendable {
    static let bell: UInt64 = 0
    static let listener: UInt64 = 1

    private let set: Int32
    private let event: Int32

    /// Nil when the system is out of descriptors.
    init?() {
        set = epoll_create1(Int32(EPOLL_CLOEXEC))
        event = clinux_eventfd()
        guard set >= 0, event >= 0, control(EPOLL_CTL_ADD, event, EPOLLIN.rawValue, Self.bell) else { return nil }
    }

    /// Runs also when the initializer has returned nil: by then the object was complete.
    deinit {
        if event >= 0 { close(event) }
        if set >= 0 { close(set) }
    }

    /// Wakes the gate.
    func ring() {
        var one: UInt64 = 1
        unsafe write(event, &one, 8)
    }

    /// Reports readability, again and again, as long as it is wanted.
    func add(_ descriptor: Int32, id: UInt64) -> Bool { control(EPOLL_CTL_ADD, descriptor, EPOLLIN.rawValue, id) }

    func setWanted(_ wanted: Bool, _ descriptor: Int32, id: UInt64) {
        _ = control(EPOLL_CTL_MOD, descriptor, wanted ? EPOLLIN.rawValue : 0, id)
    }

    /// Reports once that the other end has closed; forgotten when the descriptor is closed.
    func watch(_ descriptor: Int32, id: UInt64) { _ = control(EPOLL_CTL_ADD, descriptor, EPOLLRDHUP.rawValue | EPOLLONESHOT.rawValue, id) }

    func remove(_ descriptor: Int32) { _ = control(EPOLL_CTL_DEL, descriptor, 0, 0) }

    /// Waits for events and returns their ids; -1 waits as long as it takes.
    func wait(milliseconds: Int32) -> [UInt64] {
        unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 64) { events in
            let count = unsafe epoll_wait(set, events.baseAddress, 64, milliseconds)
            guard count > 0 else { return [] }
            let ids = unsafe events.prefix(Int(count)).map { unsafe $0.data.u64 }
            if ids.contains(Self.bell) {
                var rung: UInt64 = 0
                unsafe read(event, &rung, 8)
            }
            return ids
        }
    }

    private func control(_ operation: Int32, _ descriptor: Int32, _ events: UInt32, _ id: UInt64) -> Bool {
        var event = unsafe epoll_event(events: events, data: epoll_data_t(u64: id))
        return unsafe epoll_ctl(set, operation, descriptor, &event) == 0
    }
}
