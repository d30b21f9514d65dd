internal import Business
internal import Clocks
internal import HTTPClient
internal import JSON

/// What the reseller API answered, and what that says about an order.
///
/// The line that matters runs between "no" and "nobody knows": a no frees the customer's money, so only what says for certain that nothing was bought is
/// one. Everything else is tried again under the same key.
struct ResellerAPIAnswer: Sendable {
    /// Which request it answers.
    enum Step: Sendable {
        case quote, place, look
    }

    let status: Int
    let body: JSONValue
    private let isReadable: Bool
    private let retryAfter: Duration?

    init(_ response: ClientResponse) {
        status = response.status
        let parsed = response.truncated ? nil : try? JSONValue(parsing: response.body)
        body = parsed ?? .null
        isReadable = parsed != nil
        retryAfter = response.headers["Retry-After"].flatMap { RetryAfter.parse($0, now: .now) }
    }

    /// A member that must be there.
    func text(_ name: String) throws(UpstreamError) -> String {
        guard let text = body[name]?.string else { throw unreadable }
        return text
    }

    /// It said yes, but not to what: the order may be placed.
    var unreadable: UpstreamError {
        UpstreamError(.unknown, code: "upstream_answer_unreadable", "the upstream's answer \(status) is not what its API promises")
    }

    /// Why this is no answer to go on with; nil when it is one.
    func error(at step: Step) -> UpstreamError? {
        switch status {
        case 200..<300: isReadable ? nil : unreadable
        case 429: UpstreamError(.throttled(after: pause ?? .seconds(30)), code: "upstream_throttled", "the upstream wants fewer requests")
        case 401, 403: UpstreamError(.unknown, code: "upstream_unauthorized", "the upstream does not accept the provider's key")
        case 402, 404, 409, 410, 422: step == .look ? trouble : refusal(at: step)
        case 400, 405, 406, 411..<422, 423..<429, 430..<500:
            UpstreamError(.unresolved, code: "upstream_http_\(status)", "the upstream does not understand us: it answered \(status)")
        default: trouble
        }
    }

    /// A code that may be shown and stored: an identifier, whatever the upstream sent.
    static func code(_ text: String) -> String {
        let isCode =
            (1...60).contains(text.utf8.count) && text.utf8.allSatisfy { $0 == 0x5F || (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
        return isCode ? text : "upstream_refused"
    }

    private func refusal(at step: Step) -> UpstreamError {
        // Without a code it is not the API that speaks, but a proxy, or another server behind a wrong base URL.
        guard let code = body["code"]?.string.map(Self.code) else { return trouble }
        switch (status, code) {
        case (409, "request_in_progress"):
            return UpstreamError(.throttled(after: pause ?? .seconds(1)), code: code, "the upstream is still working on the same request")
        case (409, "price_check_used") where step == .place, (422, "idempotency_key_reused"), (422, "invalid_idempotency_key"):
            return UpstreamError(
                .unresolved, code: code, "the upstream knows this order, but not as ours; look for it there by its customer reference")
        case (410, "price_check_expired"):
            return UpstreamError(.quoteExpired, code: code, "the upstream's price has expired")
        case (409, "out_of_stock"), (409, "product_inactive"), (409, "plan_not_extendable"), (409, "plan_ended"), (402, _), (404, _), (410, _),
            (422, _):
            return UpstreamError(.refused, code: code, "the upstream refused the order: \(code)")
        default:
            return trouble
        }
    }

    private var trouble: UpstreamError {
        let code = "upstream_http_\(status)"
        let text = "the upstream answered \(status)"
        return pause.map { UpstreamError(.throttled(after: $0), code: code, text) } ?? UpstreamError(.unknown, code: code, text)
    }

    /// What it asks for, up to an hour: an order waits.
    private var pause: Duration? { retryAfter.map { min($0, .seconds(3600)) } }
}
