internal import CMicroHTTPD

/// The library's name for a connection.
///
/// Suspending and sending are for the event loop alone; resuming is for any thread, once per suspension.
@safe
struct RequestHandle: @unchecked Sendable {
    /// Resuming is the one call that is made from elsewhere, and the library locks in it.
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }

    /// Takes the connection out of the event loop: no reading, no timeout, no noticing that the client is gone.
    func suspend() { unsafe MHD_suspend_connection(pointer) }

    func resume() { unsafe MHD_resume_connection(pointer) }
}
