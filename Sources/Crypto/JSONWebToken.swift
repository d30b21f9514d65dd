internal import Bytes

/// Signs and verifies JSON Web Tokens with HMAC-SHA256 (RFC 7515, RFC 7519, and the advice of RFC 8725).
///
/// One algorithm, fixed here: a token's header cannot choose another (`none`, RS256 with our key as the public one), it can only be refused. Payloads are bytes,
/// made and read by the caller; `exp` must be there, since a token without an end cannot be taken back by waiting. The signature is checked before
/// a byte of the payload is looked at.
package struct JSONWebToken: Sendable {
    private let keys: [Secret<[UInt8]>]

    /// Takes keys of at least 32 bytes (RFC 7518, section 3.2): the first signs, all verify.
    ///
    /// - Throws: `invalidInput` for no key or a short one.
    package init(keys: [Secret<[UInt8]>]) throws(CryptoError) {
        guard !keys.isEmpty, keys.allSatisfy({ $0.reveal.count >= 32 }) else {
            throw CryptoError(.invalidInput, "a token key has at least 32 bytes")
        }
        self.keys = keys
    }

    /// Signs a payload, a JSON object with `exp` in Unix seconds.
    package func sign(payload: [UInt8]) -> String {
        let content = JSONWebToken.header + "." + Base64.urlUnpadded.encode(payload)
        let code = MessageAuthentication.code(for: Array(content.utf8), key: keys[0])
        return content + "." + Base64.urlUnpadded.encode(code)
    }

    /// The payload of a token that one of the keys signed and that is valid now.
    ///
    /// - Parameters:
    ///   - now: Unix seconds.
    ///   - leeway: how many seconds the clocks of those who sign and those who verify may differ; applies to `exp` and `nbf`.
    /// - Throws: `notAuthentic` for a wrong signature, another algorithm, `crit` extensions, or a payload without a whole number as `exp`;
    ///   `expired` from the second of `exp` on; `notYetValid` before `nbf`.
    package func verify(_ token: String, now: Int64, leeway: Int64 = 0) throws(CryptoError) -> [UInt8] {
        guard token.utf8.count <= JSONWebToken.longest else { throw JSONWebToken.refusal }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let code = Base64.urlUnpadded.decode(parts[2]) else { throw JSONWebToken.refusal }
        let content = Array(token.utf8.dropLast(parts[2].utf8.count + 1))
        var signed = false
        for key in keys where MessageAuthentication.isValid(code, for: content, key: key) { signed = true }
        guard signed, JSONWebToken.isAccepted(header: parts[0]), let payload = Base64.urlUnpadded.decode(parts[1]) else {
            throw JSONWebToken.refusal
        }
        try JSONWebToken.checkTime(of: payload, now: now, leeway: leeway)
        return payload
    }

    private static func isAccepted(header: Substring) -> Bool {
        if header == self.header { return true }
        guard let bytes = Base64.urlUnpadded.decode(header), let members = ClaimScanner.members(of: bytes) else { return false }
        if let type = members["typ"], type != .string("JWT") { return false }
        return members["alg"] == .string("HS256") && members["crit"] == nil
    }

    private static func checkTime(of payload: [UInt8], now: Int64, leeway: Int64) throws(CryptoError) {
        guard let claims = ClaimScanner.members(of: payload), case .integer(let expires) = claims["exp"] else { throw refusal }
        guard now < saturated(expires.addingReportingOverflow(leeway), .max) else { throw CryptoError(.expired, "the token has expired") }
        guard let notBefore = claims["nbf"] else { return }
        guard case .integer(let starts) = notBefore else { throw refusal }
        guard now >= saturated(starts.subtractingReportingOverflow(leeway), .min) else {
            throw CryptoError(.notYetValid, "the token is not valid yet")
        }
    }

    private static func saturated(_ result: (partialValue: Int64, overflow: Bool), _ limit: Int64) -> Int64 {
        result.overflow ? limit : result.partialValue
    }

    // {"alg":"HS256","typ":"JWT"}
    private static let header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
    private static let longest = 8192
    private static let refusal = CryptoError(.notAuthentic, "the token is not valid")
}
