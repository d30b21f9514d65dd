internal import CPostgres

/// Cancels what a connection is doing, from any thread: the one part of libpq's connection that is made for that.
///
/// It belongs to the session that it was taken from; after `reset` take a new one. Whether the statement ends early is up to the server: it may have
/// finished just before, and the next statement may be hit instead, if the caller lets it start.
@safe
package final class CancelHandle: Sendable {
    // PQcancel only reads the address and the key that libpq copied into it; the manual calls it safe to use from another thread.
    private nonisolated(unsafe) let handle: OpaquePointer

    init(_ handle: OpaquePointer) { unsafe self.handle = unsafe handle }

    deinit { unsafe PQfreeCancel(handle) }

    /// Asks the server to cancel, on a connection of its own; blocks until the server has taken the request.
    ///
    /// - Throws: `unreachable` when the request could not be delivered.
    package func cancel() throws(PostgresError) {
        var message = [CChar](repeating: 0, count: 256)
        guard unsafe PQcancel(handle, &message, Int32(message.count)) == 1 else {
            throw PostgresError(.unreachable, message: "the cancel request could not be delivered")
        }
    }
}

extension Connection {
    /// A handle for another thread to cancel this session's statements.
    package func cancelHandle() throws(PostgresError) -> CancelHandle {
        guard let cancel = unsafe PQgetCancel(handle) else {
            throw PostgresError(.connectionLost, message: "there is no session to cancel")
        }
        return unsafe CancelHandle(cancel)
    }
}
