internal import Bytes
internal import CCurl

/// Tells libcurl about a transfer, option by option.
///
/// libcurl's defaults are a command line's: every proxy of the environment, forty protocols, files of the home directory. So whatever opens something is set
/// here, also where the default is right today, and an option that is not taken fails the transfer: a guard that was not installed must not go unnoticed.
///
/// **Reused connections.** `CURLOPT_CONNECT_TO` names the judged address as the host to connect to, and libcurl keys its kept connections by it: a kept
/// connection is only found by a transfer that was pinned to the same address now. A name that leads elsewhere today gets a new connection, and a
/// connection to an address that is refused today is not found by anybody. `beforeRequest` compares once more. SNI, `Host` and the certificate's name stay those of the URL.
///
/// **HTTP/1.1 only.** One transfer per connection: a cut response or a cancellation closes its own connection, never a neighbour's stream.
@safe
struct EasyOptions {
    private let easy: UnsafeMutableRawPointer
    private(set) var failure: CURLcode = CURLE_OK

    init(_ easy: UnsafeMutableRawPointer) { unsafe self.easy = easy }

    mutating func set(_ option: CURLoption, _ value: Int) { note(unsafe ccurl_set_long(easy, option, value)) }

    mutating func set(_ option: CURLoption, _ value: String) { note(unsafe ccurl_set_text(easy, option, value)) }

    mutating func clear(_ option: CURLoption) { note(unsafe ccurl_set_pointer(easy, option, nil)) }

    mutating func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer) { unsafe note(ccurl_set_pointer(easy, option, pointer)) }

    mutating func set(_ option: CURLoption, list: UnsafeMutablePointer<curl_slist>?) { unsafe note(ccurl_set_list(easy, option, list)) }

    /// What holds for every transfer.
    mutating func setPolicy(_ settings: HTTPClient.Settings) {
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_PROXY, "")
        set(CURLOPT_NOPROXY, "*")
        set(CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
        set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        set(CURLOPT_HTTP09_ALLOWED, 0)
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        set(CURLOPT_CAINFO, settings.certificateAuthorities)
        // Debian builds a CAPATH in, and with one libcurl reads all certificates again for each connection instead of keeping them.
        clear(CURLOPT_CAPATH)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_TCP_KEEPIDLE, 30)
        set(CURLOPT_TCP_KEEPINTVL, 15)
        set(CURLOPT_MAXAGE_CONN, Int(settings.idleLifetime.components.seconds))
        set(CURLOPT_USERAGENT, settings.userAgent)
    }

    mutating func setCallbacks(_ transfer: Transfer) {
        unsafe note(ccurl_set_receiver(easy, CURLOPT_HEADERFUNCTION, Transfer.receiveHeader))
        unsafe note(ccurl_set_receiver(easy, CURLOPT_WRITEFUNCTION, Transfer.receiveBody))
        unsafe note(ccurl_set_open_socket(easy, Transfer.openSocket))
        unsafe note(ccurl_set_before_request(easy, Transfer.beforeRequest))
        for option in [CURLOPT_HEADERDATA, CURLOPT_WRITEDATA, CURLOPT_OPENSOCKETDATA, CURLOPT_PREREQDATA, CURLOPT_PRIVATE] {
            unsafe set(option, pointer: transfer.pointer)
        }
        unsafe set(CURLOPT_ERRORBUFFER, pointer: transfer.errorText)
    }

    /// Method, body and headers.
    mutating func setMessage(_ request: ClientRequest) {
        if request.method == .head {
            set(CURLOPT_NOBODY, 1)
        } else if !request.body.isEmpty || [.post, .put, .patch].contains(request.method) {
            set(CURLOPT_POST, 1)
            unsafe request.body.withUnsafeBytes { bytes in
                // An empty array has no address, and libcurl takes no address for no body.
                if let start = bytes.baseAddress {
                    unsafe note(ccurl_set_body(easy, start, Int64(bytes.count)))
                } else {
                    unsafe note(ccurl_set_body(easy, "", 0))
                }
            }
        }
        if request.method != .head { set(CURLOPT_CUSTOMREQUEST, request.method.rawValue) }
    }

    /// The header lines for libcurl; the list has to be freed.
    static func headerList(_ request: ClientRequest) -> UnsafeMutablePointer<curl_slist>? {
        // A name with nothing behind the colon takes away what libcurl would add itself.
        var lines = ["Expect:"]
        for own in ["Accept", "Content-Type"] where request.headers[own] == nil { lines.append("\(own):") }
        for field in request.headers.fields {
            let isEmpty = field.value.utf8.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            lines.append(isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines { unsafe list = curl_slist_append(list, line) }
        return unsafe list
    }

    private mutating func note(_ code: CURLcode) {
        if failure == CURLE_OK { failure = code }
    }
}
