internal import Bytes
internal import CCurl

/// libcurl's multi handle with the sockets and the timer that it asks for; for the loop's thread alone.
@safe
final class CurlMulti {
    /// As many easy handles are kept for the next transfers; each holds some kilobytes of buffers.
    private static let maximumIdle = 256
    /// Loads what libcurl loads once per process.
    private static let library: Bool = curl_global_init(Int(CURL_GLOBAL_SSL | CURL_GLOBAL_WIN32)) == CURLE_OK

    private let settings: HTTPClient.Settings
    private let multi: UnsafeMutableRawPointer
    private let share: UnsafeMutableRawPointer
    private let poller = Poller()
    private let waker: Int32
    private var idle: [UnsafeMutableRawPointer] = unsafe []
    /// When libcurl wants to be called although nothing has happened; monotonic nanoseconds.
    private var timer: Int64?

    /// `waker` is a descriptor whose readability ends a turn.
    init(settings: HTTPClient.Settings, waker: Int32) {
        precondition(Self.library, "libcurl can be initialised")
        guard let multi = unsafe curl_multi_init(), let share = unsafe curl_share_init() else { preconditionFailure("there is memory for libcurl") }
        self.settings = settings
        unsafe self.multi = multi
        unsafe self.share = share
        self.waker = waker
        // A TLS session that was negotiated before shortens the next handshake with the same host; sessions are keyed by name and pinned address.
        unsafe ccurl_share(share, CURL_LOCK_DATA_SSL_SESSION)
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe ccurl_multi_set_socket(multi, Self.socketChanged)
        unsafe ccurl_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, context)
        unsafe ccurl_multi_set_timer(multi, Self.timerChanged)
        unsafe ccurl_multi_set_pointer(multi, CURLMOPT_TIMERDATA, context)
        unsafe ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, settings.keptConnections)
        unsafe ccurl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
        poller.watch(waker, read: true, write: false)
    }

    deinit {
        unsafe idle.forEach { unsafe curl_easy_cleanup($0) }
        unsafe curl_multi_cleanup(multi)
        unsafe curl_share_cleanup(share)
    }

    /// Waits for sockets, the timer, the waker or the deadline, and moves the transfers on; true when the waker was readable.
    func turn(until deadline: Int64?) -> Bool {
        let next = [timer, deadline].compactMap { $0 }.min()
        var isWoken = false
        var running: Int32 = 0
        for event in poller.wait(nanoseconds: next.map { $0 - monotonicNanoseconds() }) {
            if event.descriptor == waker {
                isWoken = true
                continue
            }
            let mask = (event.readable ? CURL_CSELECT_IN : 0) | (event.writable ? CURL_CSELECT_OUT : 0) | (event.broken ? CURL_CSELECT_ERR : 0)
            unsafe curl_multi_socket_action(multi, event.descriptor, mask, &running)
        }
        if let due = timer, due <= monotonicNanoseconds() {
            timer = nil
            unsafe curl_multi_socket_action(multi, -1, 0, &running)  // CURL_SOCKET_TIMEOUT
        }
        return isWoken
    }

    /// Hands a transfer with its pinned address to libcurl; times in nanoseconds.
    ///
    /// - Returns: CURLE_OK, or the first code of an option that libcurl did not take; the transfer has not begun then.
    func begin(_ transfer: Transfer, _ request: ClientRequest, connectFor: Int64, inAllFor: Int64) -> CURLcode {
        guard let pinned = transfer.pinned, let easy = unsafe idle.popLast() ?? curl_easy_init() else { return CURLE_OUT_OF_MEMORY }
        let url = transfer.order.url
        let host = pinned.width == 128 ? "[\(pinned)]" : pinned.description
        unsafe transfer.easy = easy
        unsafe transfer.headerList = EasyOptions.headerList(request)
        unsafe transfer.connectTo = curl_slist_append(nil, "::\(host):\(url.port)")

        var options = unsafe EasyOptions(easy)
        options.setPolicy(settings)
        options.setCallbacks(transfer)
        options.setMessage(request)
        unsafe options.set(CURLOPT_SHARE, pointer: share)
        unsafe options.set(CURLOPT_HTTPHEADER, list: transfer.headerList)
        unsafe options.set(CURLOPT_CONNECT_TO, list: transfer.connectTo)
        options.set(CURLOPT_URL, url.description)
        options.set(CURLOPT_FRESH_CONNECT, request.freshConnection ? 1 : 0)
        options.set(CURLOPT_CONNECTTIMEOUT_MS, Self.milliseconds(connectFor))
        options.set(CURLOPT_TIMEOUT_MS, Self.milliseconds(inAllFor))
        guard options.failure == CURLE_OK else { return options.failure }
        return unsafe curl_multi_add_handle(multi, easy) == CURLM_OK ? CURLE_OK : CURLE_FAILED_INIT
    }

    /// A transfer that has ended, with libcurl's code.
    func nextFinished() -> (Transfer, CURLcode)? {
        var code = CURLE_OK
        guard let easy = unsafe ccurl_multi_next_finished(multi, &code), let context = unsafe ccurl_get_private(easy) else { return nil }
        return unsafe (Transfer.at(context), code)
    }

    /// Takes what libcurl holds of the transfer back, in whatever state it is; an unfinished one loses its connection.
    func release(_ transfer: Transfer) {
        if let easy = unsafe transfer.easy {
            unsafe curl_multi_remove_handle(multi, easy)
            unsafe curl_easy_reset(easy)
            if unsafe idle.count < Self.maximumIdle { unsafe idle.append(easy) } else { unsafe curl_easy_cleanup(easy) }
        }
        unsafe curl_slist_free_all(transfer.headerList)
        unsafe curl_slist_free_all(transfer.connectTo)
        unsafe transfer.easy = nil
        unsafe transfer.headerList = nil
        unsafe transfer.connectTo = nil
    }

    /// Rounded up; 0 would mean "for ever".
    private static func milliseconds(_ nanoseconds: Int64) -> Int { max(1, Int((nanoseconds + 999_999) / 1_000_000)) }

    private static let socketChanged:
        @convention(c) (
            UnsafeMutableRawPointer?, curl_socket_t, Int32, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?
        ) -> Int32 = { _, descriptor, wish, context, _ in
            guard let context = unsafe context else { return 0 }
            let poller = unsafe Unmanaged<CurlMulti>.fromOpaque(context).takeUnretainedValue().poller
            if wish == CURL_POLL_REMOVE {
                poller.forget(descriptor)
            } else {
                poller.watch(descriptor, read: wish & CURL_POLL_IN != 0, write: wish & CURL_POLL_OUT != 0)
            }
            return 0
        }

    private static let timerChanged: @convention(c) (UnsafeMutableRawPointer?, Int, UnsafeMutableRawPointer?) -> Int32 = { _, milliseconds, context in
        guard let context = unsafe context else { return 0 }
        let multi = unsafe Unmanaged<CurlMulti>.fromOpaque(context).takeUnretainedValue()
        multi.timer = milliseconds < 0 ? nil : monotonicNanoseconds() + Int64(milliseconds) * 1_000_000
        return 0
    }
}
