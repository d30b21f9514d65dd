internal import Glibc

/// A queue between threads: anybody puts, a thread waits for the next element.
///
/// This is the one place where threads wait for each other; everything that crosses a lane's border crosses it here. Never wait in a Swift task:
/// `take` blocks its thread, and the cooperative pool has only as many threads as the machine has cores.
@safe
package final class Mailbox<Element: Sendable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let filled = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// What was taken is nil until its place is given back: a taken closure must not stay alive because the mailbox is busy.
    private var elements: [Element?] = []
    private var head = 0
    private var closed = false

    package init() {
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(filled, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(filled)
        unsafe pthread_mutex_destroy(mutex)
        unsafe filled.deallocate()
        unsafe mutex.deallocate()
    }

    /// Adds an element; false when the mailbox is closed and the element was not taken in.
    @discardableResult
    package func put(_ element: Element) -> Bool {
        locked {
            if closed { return false }
            elements.append(element)
            unsafe pthread_cond_signal(filled)
            return true
        }
    }

    /// Waits for the next element; nil when the time is over, or when the mailbox is closed and empty.
    ///
    /// No time, or less than none, only looks; a time too long for the clock is for ever.
    package func take(timeout: Duration? = nil) -> Element? {
        locked {
            wait(timeout)
            return removeFirst()
        }
    }

    /// Waits for the first element and takes up to `limit` that are there.
    package func takeAll(limit: Int = .max, timeout: Duration? = nil) -> [Element] {
        locked {
            wait(timeout)
            var taken: [Element] = []
            while taken.count < limit, let element = removeFirst() { taken.append(element) }
            return taken
        }
    }

    /// Refuses further elements; what is inside can still be taken.
    package func close() {
        locked {
            closed = true
            unsafe pthread_cond_broadcast(filled)
        }
    }

    package var isClosed: Bool { locked { closed } }

    package var count: Int { locked { elements.count - head } }

    private func locked<R>(_ body: () -> R) -> R {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Called with the mutex held: returns when there is an element, the mailbox is closed, or the time is over.
    private func wait(_ timeout: Duration?) {
        guard let timeout, timeout < Mailbox.forever else {
            while head == elements.count, !closed { unsafe pthread_cond_wait(filled, mutex) }
            return
        }
        // A negative number of nanoseconds is an error (EINVAL) that comes back at once and again and again.
        guard timeout > .zero else { return }
        var deadline = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &deadline)
        let nanoseconds = timeout.components.attoseconds / 1_000_000_000 + Int64(deadline.tv_nsec)
        deadline.tv_sec += Int(timeout.components.seconds + nanoseconds / 1_000_000_000)
        deadline.tv_nsec = Int(nanoseconds % 1_000_000_000)
        while head == elements.count, !closed {
            if unsafe pthread_cond_timedwait(filled, mutex, &deadline) == ETIMEDOUT { return }
        }
    }

    /// A thousand years: what is longer would overflow the clock's seconds.
    private static var forever: Duration { .seconds(1000 * 365 * 86_400) }

    private func removeFirst() -> Element? {
        guard head < elements.count else { return nil }
        let element = elements[head].take()
        head += 1
        if head == elements.count {
            elements.removeAll(keepingCapacity: elements.capacity <= 4096)
            head = 0
        } else if head > 1024, head * 2 > elements.count {
            elements.removeFirst(head)
            head = 0
        }
        return element
    }
}
