internal import CMicroHTTPD

// What the library calls, always on the event loop of the connection. The context is the core; a connection carries its `Connection`, a request its
// `Exchange`, each with one reference that is given back in the last call. Nothing here may block.

/// A connection starts or ends.
func connectionChanged(
    _ context: UnsafeMutableRawPointer?, _ handle: OpaquePointer?, _ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    _ change: MHD_ConnectionNotificationCode
) {
    guard let context = unsafe context, let handle = unsafe handle, let slot = unsafe slot else { return }
    let core = unsafe Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
    if change == .CONNECTION_NOTIFY_STARTED {
        guard let connection = core.registry.arrived(unsafe cmicrohttpd_descriptor(handle)) else { return }
        connection.open()
        unsafe slot.pointee = Unmanaged.passRetained(connection).toOpaque()
    } else if let stored = unsafe slot.pointee {
        unsafe slot.pointee = nil
        core.closed(unsafe Unmanaged<Connection>.fromOpaque(stored).takeRetainedValue())
    }
}

/// A request line was read; what is returned comes along with every further call of this request.
func requestBegan(_ context: UnsafeMutableRawPointer?, _ uri: UnsafePointer<CChar>?, _ handle: OpaquePointer?) -> UnsafeMutableRawPointer? {
    guard
        let context = unsafe context, let handle = unsafe handle, let stored = unsafe cmicrohttpd_connection_context(handle)
    else { return nil }
    let core = unsafe Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
    let connection = unsafe Unmanaged<Connection>.fromOpaque(stored).takeUnretainedValue()
    let target = unsafe uri.map { unsafe Array(UnsafeBufferPointer(start: $0, count: strlen($0))).map { UInt8(bitPattern: $0) } } ?? []
    let exchange = Exchange(core, connection, rawTarget: target)
    connection.begin(exchange)
    return unsafe Unmanaged.passRetained(exchange).toOpaque()
}

/// The head, a piece of the body, the end of the request, or the connection after it was resumed.
func receivePart(
    _ context: UnsafeMutableRawPointer?, _ handle: OpaquePointer?, _ url: UnsafePointer<CChar>?, _ method: UnsafePointer<CChar>?,
    _ version: UnsafePointer<CChar>?, _ data: UnsafePointer<CChar>?, _ size: UnsafeMutablePointer<Int>?,
    _ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let handle = unsafe handle, let size = unsafe size, let stored = unsafe slot?.pointee else { return .NO }
    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(stored).takeUnretainedValue()
    let piece = unsafe UnsafeRawBufferPointer(start: data, count: size.pointee)
    unsafe size.pointee = 0
    switch unsafe exchange.advance(RequestHandle(handle), line: RequestLine(method: method, version: version), piece: piece) {
    case .goOn: return .YES
    case .cut: return .NO
    case .send(let answer, let closes): return unsafe exchange.send(answer, RequestHandle(handle), closes: closes) ? .YES : .NO
    }
}

/// The request is over, well or not.
func requestEnded(
    _ context: UnsafeMutableRawPointer?, _ handle: OpaquePointer?, _ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    _ reason: MHD_RequestTerminationCode
) {
    guard let handle = unsafe handle, let slot = unsafe slot, let stored = unsafe slot.pointee else { return }
    unsafe slot.pointee = nil
    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(stored).takeRetainedValue()
    unsafe exchange.end(RequestHandle(handle), wasSent: reason == .REQUEST_TERMINATED_COMPLETED_OK)
}

/// The next bytes of a stream of events.
func readEvents(
    _ context: UnsafeMutableRawPointer?, _ position: UInt64, _ buffer: UnsafeMutablePointer<CChar>?, _ limit: Int
) -> Int {
    guard let context = unsafe context, let buffer = unsafe buffer else { return EventReader.endOfStream }
    let reader = unsafe Unmanaged<EventReader>.fromOpaque(context).takeUnretainedValue()
    return unsafe reader.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: limit))
}

/// The response that read events is gone.
func releaseEvents(_ context: UnsafeMutableRawPointer?) {
    guard let context = unsafe context else { return }
    unsafe Unmanaged<EventReader>.fromOpaque(context).release()
}
