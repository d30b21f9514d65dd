internal import Bytes
internal import CCurl

// From libcurl's result code to what the caller is told. The codes are libcurl's (libcurl-errors(3)).

extension Transfer {
    /// The answer to the order, when the attempt has ended with that code.
    func outcome(_ code: CURLcode, now: Int64) -> Order.Answer {
        guard code == CURLE_OK || (code == CURLE_WRITE_ERROR && truncated), let pinned else { return .failure(failure(code)) }
        let status = number(CURLINFO_RESPONSE_CODE)
        guard (200...999).contains(status) else { return .failure(failure(CURLE_WEIRD_SERVER_REPLY)) }
        // libcurl takes a head that breaks off for a whole one.
        guard headersEnded else { return .failure(failure(CURLE_PARTIAL_FILE)) }
        let response = ClientResponse(
            status: status, headers: headers, body: body, truncated: truncated, timings: timings(now: now), remoteAddress: pinned)
        return .success(.response(response))
    }

    /// True when the attempt ended before a connection stood, so that another address may be tried without anything being done twice.
    func mayTryNextAddress(_ code: CURLcode) -> Bool {
        !requestBegan && strayed == nil && !candidates.isEmpty
            && (code == CURLE_COULDNT_CONNECT || (code == CURLE_OPERATION_TIMEDOUT && phase == .connect))
    }

    private func failure(_ code: CURLcode) -> HTTPClientError {
        if strayed != nil { return .refused(.unchecked, host: order.url.host) }
        if headersTooLarge { return HTTPClientError(.brokenResponse, "the response's headers are too large", mayHaveArrived: true) }
        switch code {
        case CURLE_OPERATION_TIMEDOUT:
            return .timedOut(phase, mayHaveArrived: requestBegan)
        case CURLE_COULDNT_CONNECT:
            return HTTPClientError(.connectFailed, "no connection could be made")
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_INVALIDCERTSTATUS:
            return HTTPClientError(.tls, "TLS failed\(detail)")
        case CURLE_GOT_NOTHING:
            return HTTPClientError(.brokenResponse, "the server closed the connection without a response", mayHaveArrived: requestBegan)
        case CURLE_PARTIAL_FILE:
            return HTTPClientError(.brokenResponse, "the response ended too early", mayHaveArrived: requestBegan)
        case CURLE_RECV_ERROR, CURLE_SEND_ERROR:
            guard requestBegan else { return HTTPClientError(.connectFailed, "the connection broke before the request was sent") }
            return HTTPClientError(.brokenResponse, "the connection broke", mayHaveArrived: true)
        default:
            return HTTPClientError(.brokenResponse, "the response is not valid HTTP (code \(code.rawValue))", mayHaveArrived: requestBegan)
        }
    }

    /// What TLS itself says: about certificates and versions, never about addresses.
    private var detail: String {
        let text = unsafe String(cString: errorText)
        return text.isEmpty ? "" : ": \(text.prefix(200))"
    }

    private var phase: HTTPClientError.Phase {
        if requestBegan { return responseBegan ? .body : .firstByte }
        // libcurl fills CURLINFO_CONNECT_TIME only when TLS is done too; the local port is known as soon as TCP is.
        return order.url.scheme == .https && number(CURLINFO_LOCAL_PORT) > 0 ? .tls : .connect
    }

    private func timings(now: Int64) -> ClientResponse.Timings {
        var timings = ClientResponse.Timings()
        timings.lookup = lookupTook / 1000
        if number(CURLINFO_NUM_CONNECTS) > 0 {
            let connected = microseconds(CURLINFO_CONNECT_TIME_T)
            timings.connect = max(0, connected - microseconds(CURLINFO_NAMELOOKUP_TIME_T))
            timings.tls = max(0, microseconds(CURLINFO_APPCONNECT_TIME_T) - connected)
        }
        timings.firstByte = (attemptStarted - order.started) / 1000 + microseconds(CURLINFO_STARTTRANSFER_TIME_T)
        timings.total = (now - order.started) / 1000
        return timings
    }

    private func number(_ info: CURLINFO) -> Int {
        var value = 0
        if let easy = unsafe easy { unsafe ccurl_get_long(easy, info, &value) }
        return value
    }

    private func microseconds(_ info: CURLINFO) -> Int64 {
        var value: Int64 = 0
        if let easy = unsafe easy { unsafe ccurl_get_size(easy, info, &value) }
        return value
    }
}
