internal import Business
internal import Clocks
internal import HTTPClient

extension WebhookAttempt {
    /// What is kept and shown of an answer's body, in bytes; a receiver's error message fits, a page of an internal system does not.
    static let shownBytes = 4096

    /// With what came back.
    func answered(_ response: ClientResponse) -> WebhookAttempt {
        var attempt = self
        attempt.durationMicroseconds = response.timings.total
        attempt.status = response.status
        if !(200..<300).contains(response.status) {
            attempt.errorCode = "http_\(response.status)"
            attempt.error = "the receiver answered \(response.status)"
        }
        (attempt.responseBody, attempt.responseTruncated) = Self.shown(response.body, truncated: response.truncated)
        attempt.remoteAddress = response.remoteAddress.description
        attempt.timings = [response.timings.lookup, response.timings.connect, response.timings.tls, response.timings.firstByte]
        return attempt
    }

    /// The body as text that can be stored and shown: what is no UTF-8, controls and invisible format characters (which can turn the reading direction or
    /// hide text) are replaced.
    private static func shown(_ body: [UInt8], truncated: Bool) -> (text: String, truncated: Bool) {
        var text = ""
        for scalar in String(decoding: body, as: UTF8.self).unicodeScalars {
            let isPlain: Bool
            switch scalar.properties.generalCategory {
            case .control: isPlain = scalar == "\n" || scalar == "\t"
            case .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse: isPlain = false
            default: isPlain = true
            }
            let shown = isPlain ? scalar : "\u{FFFD}"
            guard text.utf8.count + UTF8.width(shown) <= shownBytes else { return (text, true) }
            text.unicodeScalars.append(shown)
        }
        return (text, truncated)
    }

    /// With why there was no answer.
    func failed(_ error: HTTPClientError) -> WebhookAttempt {
        var attempt = self
        attempt.durationMicroseconds = (Instant.now - startedAt).microseconds
        attempt.errorCode = error.code
        attempt.error = error.message
        return attempt
    }
}

extension HTTPClientError {
    /// The stable code in delivery logs and job histories.
    var code: String {
        switch kind {
        case .invalidURL: "invalid_url"
        case .invalidRequest: "invalid_request"
        case .refusedAddress: "address_refused"
        case .nameNotResolved: "name_not_resolved"
        case .connectFailed: "connect_failed"
        case .tls: "tls_failed"
        case .timedOut: "timed_out"
        case .cancelled: "cancelled"
        case .brokenResponse: "broken_response"
        case .stopped: "stopped"
        }
    }
}
