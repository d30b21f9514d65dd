internal import CLinux
internal import Glibc

/// One operating-system thread with a name, for work that blocks: a database connection, a broker connection, an event loop.
@safe
package final class Thread: @unchecked Sendable {
    private let handle: pthread_t
    private let ended: Mailbox<Never>

    /// Starts the thread at once.
    ///
    /// The name is what `top -H` shows, 15 bytes of it.
    package init(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let ended = Mailbox<Never>()
        let start = Start(name: name, body: body, ended: ended)
        var handle = pthread_t()
        let context = unsafe Unmanaged.passRetained(start).toOpaque()
        let status = unsafe pthread_create(&handle, nil, runThread, context)
        precondition(status == 0, "the system has room for one more thread")
        self.handle = handle
        self.ended = ended
    }

    /// Waits until the thread's body has returned and what it captured is released; false when the time was over first.
    ///
    /// Blocks the calling thread.
    @discardableResult
    package func join(timeout: Duration? = nil) -> Bool {
        _ = ended.take(timeout: timeout)
        return ended.isClosed
    }

    deinit { pthread_detach(handle) }
}

private final class Start {
    let name: String
    let ended: Mailbox<Never>
    private var body: (@Sendable () -> Void)?

    init(name: String, body: @escaping @Sendable () -> Void, ended: Mailbox<Never>) {
        self.name = name
        self.body = body
        self.ended = ended
    }

    /// Gives the body up before anybody learns that it has ended: who joins may close what the body had captured.
    func run() {
        body?()
        body = nil
        ended.close()
    }
}

private func runThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context = unsafe context else { return nil }
    let start = unsafe Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
    unsafe clinux_set_thread_name(start.name)
    start.run()
    return nil
}
