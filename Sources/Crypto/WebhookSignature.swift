internal import Bytes

/// Signatures of webhooks (Standard Webhooks 1.0.0, symmetric scheme `v1`).
///
/// HMAC-SHA256 over `<id>.<timestamp>.<body>`, where the three come from the headers `webhook-id`, `webhook-timestamp` (Unix seconds) and the body's bytes
/// as they were sent; a body parsed and written again is another body. During a rotation every valid secret signs and the receiver needs one of them.
package enum WebhookSignature {
    /// The value of `webhook-signature`: `v1,<base64>` for each secret, separated by blanks.
    package static func sign(id: String, timestamp: Int64, body: [UInt8], secrets: [WebhookSecret]) -> String {
        let content = content(id: id, timestamp: String(timestamp), body: body)
        return secrets.map { "v1," + Base64.standard.encode(MessageAuthentication.code(for: content, key: $0.key)) }.joined(separator: " ")
    }

    /// Checks the three headers of a received webhook.
    ///
    /// - Parameters:
    ///   - now: Unix seconds.
    ///   - tolerance: how many seconds the timestamp may lie in the past or the future.
    /// - Throws: `notAuthentic` when no signature is by any of the secrets; `expired` or `notYetValid` for an authentic one out of its time.
    package static func verify(
        _ signatures: String, id: String, timestamp: String, body: [UInt8], secrets: [WebhookSecret], now: Int64, tolerance: Int64 = 300
    ) throws(CryptoError) {
        guard let seconds = Int64(timestamp), seconds >= 0, String(seconds) == timestamp else { throw refusal }
        let content = content(id: id, timestamp: timestamp, body: body)
        let expected = secrets.map { MessageAuthentication.code(for: content, key: $0.key) }
        var found = false
        // The bound keeps a header full of signatures from costing a comparison each; a sender has two or three secrets.
        for signature in signatures.split(separator: " ").prefix(16) where signature.hasPrefix("v1,") {
            guard let code = Base64.standard.decode(signature.dropFirst(3)) else { continue }
            for candidate in expected where ConstantTime.equal(code, candidate) { found = true }
        }
        guard found else { throw refusal }
        let age = now.subtractingReportingOverflow(seconds)
        guard !age.overflow, age.partialValue <= tolerance else { throw CryptoError(.expired, "the webhook's timestamp is too old") }
        guard age.partialValue >= -tolerance else { throw CryptoError(.notYetValid, "the webhook's timestamp is in the future") }
    }

    /// HMAC-SHA256 of the body alone in lower-case hexadecimal, for receivers of the older form (`X-Signature`).
    ///
    /// The key is the secret's bytes. It has no timestamp, so it does not protect from replay.
    package static func hexadecimal(body: [UInt8], secret: WebhookSecret) -> String {
        Hex.encode(MessageAuthentication.code(for: body, key: secret.key))
    }

    private static func content(id: String, timestamp: String, body: [UInt8]) -> [UInt8] {
        Array("\(id).\(timestamp).".utf8) + body
    }

    private static let refusal = CryptoError(.notAuthentic, "the webhook's signature is not valid")
}
