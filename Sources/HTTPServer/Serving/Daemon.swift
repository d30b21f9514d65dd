internal import CMicroHTTPD
internal import Glibc

/// One event loop of the library: a thread with an epoll set of its own.
///
/// The library could run a pool of them over one listening socket, but in 0.9.75 stopping to accept in a pool is a race that ends in `abort` when it
/// is lost (`MHD_quiesce_daemon` and the loop both take the socket out of the epoll set). So each loop is a daemon without a listening socket,
/// and the gate hands the connections round. The callbacks are in `Daemon+Callbacks.swift`.
@safe
struct Daemon: @unchecked Sendable {
    /// The library's functions that are called on it are safe from any thread.
    private let pointer: OpaquePointer
    private let texts: [UnsafeMutablePointer<CChar>]

    /// Starts the loop; nil when the system has no room for it or the certificate is wrong.
    ///
    /// The core must outlive it.
    init?(_ core: ServerCore) {
        let settings = core.settings
        let certificate = unsafe settings.tls.flatMap { unsafe strdup($0.certificate) }
        let key = unsafe settings.tls.flatMap { unsafe strdup($0.key) }
        unsafe texts = unsafe [certificate, key].compactMap { unsafe $0 }
        var options = unsafe cmicrohttpd_options()
        unsafe options.context = Unmanaged.passUnretained(core).toOpaque()
        unsafe options.access = receivePart
        unsafe options.completed = requestEnded
        unsafe options.connection = connectionChanged
        unsafe options.target = requestBegan
        // The gate keeps the limits; the library's own must never be reached, for it would close connections that were counted already.
        unsafe options.connection_limit = UInt32(clamping: settings.connectionLimit + 1024)
        unsafe options.idle_seconds = UInt32(clamping: max(1, settings.idleTimeout.components.seconds + 1))
        unsafe options.connection_memory = max(4096, settings.headerMemory)
        unsafe options.certificate = UnsafePointer(certificate)
        unsafe options.key = UnsafePointer(key)
        guard let pointer = unsafe cmicrohttpd_start(&options) else {
            unsafe texts.forEach { unsafe free($0) }
            return nil
        }
        unsafe self.pointer = pointer
    }

    /// Gives a connection to this loop; false when it could not take it, and has closed it.
    func add(_ client: Listener.Client) -> Bool {
        var storage = client.storage
        return unsafe withUnsafePointer(to: &storage) { storage in
            unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe MHD_add_connection(pointer, client.descriptor, address, client.length) == .YES
            }
        }
    }

    /// Closes every connection and waits for the thread.
    ///
    /// No connection may be suspended any more; the library aborts the process otherwise.
    func stop() {
        unsafe MHD_stop_daemon(pointer)
        unsafe texts.forEach { unsafe free($0) }
    }
}
