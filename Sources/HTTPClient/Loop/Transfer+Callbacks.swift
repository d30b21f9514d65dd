internal import CCurl

// What libcurl calls while it moves a transfer. Each is called on the loop's thread, from inside `curl_multi_socket_action` or `curl_multi_add_handle`,
// and must not call back into the multi handle.

extension Transfer {
    static func at(_ context: UnsafeMutableRawPointer) -> Transfer { unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue() }

    var pointer: UnsafeMutableRawPointer { unsafe Unmanaged.passUnretained(self).toOpaque() }

    /// Anything but the byte count ends the transfer with CURLE_WRITE_ERROR; one less than the count cannot be mistaken for it.
    static let receiveHeader: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
        bytes, size, count, context in
        guard let context = unsafe context else { return 0 }
        let line = unsafe Array(UnsafeRawBufferPointer(start: bytes, count: size * count))
        return unsafe Transfer.at(context).receiveHeader(line) ? line.count : line.count - 1
    }

    static let receiveBody: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
        bytes, size, count, context in
        guard let context = unsafe context else { return 0 }
        let piece = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
        return unsafe Transfer.at(context).receiveBody(piece) ? piece.count : piece.count - 1
    }

    /// CURL_SOCKET_BAD makes it CURLE_COULDNT_CONNECT; nothing was opened.
    static let openSocket: @convention(c) (UnsafeMutableRawPointer?, curlsocktype, UnsafeMutablePointer<curl_sockaddr>?) -> curl_socket_t = {
        context, _, address in
        guard let context = unsafe context, let address = unsafe address else { return -1 }
        let transfer = unsafe Transfer.at(context)
        let peer = unsafe withUnsafePointer(to: &address.pointee.addr) { unsafe IPAddress($0) }
        guard transfer.permits(peer) else { return -1 }
        transfer.socketOpened?()
        return unsafe ccurl_open_socket(address)
    }

    static let beforeRequest:
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<CChar>?, Int32, Int32
        ) -> Int32 = { context, peer, _, _, _ in
            guard let context = unsafe context, let peer = unsafe peer else { return CURL_PREREQFUNC_ABORT }
            let address = unsafe IPAddress(String(cString: peer))
            return unsafe Transfer.at(context).permitsRequest(on: address) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
        }
}
