internal import Bytes

/// Time-based one-time passwords as authenticator applications make them: HMAC-SHA1, 6 digits, 30 seconds (RFC 6238, RFC 4226).
///
/// SHA-1 because that is what every application supports; its known weakness (collisions) does not touch HMAC. Six digits can be guessed in a million
/// tries: the caller limits attempts, and keeps the step that `verify` returns so that a code seen over a shoulder works only once.
package struct OneTimePassword: Sendable {
    private let secret: Secret<[UInt8]>

    /// Takes a secret of at least 16 bytes (RFC 4226, section 4, R6).
    ///
    /// - Throws: `invalidInput` for a shorter one.
    package init(secret: Secret<[UInt8]>) throws(CryptoError) {
        guard secret.reveal.count >= 16 else { throw CryptoError(.invalidInput, "a one-time password's secret has at least 16 bytes") }
        self.secret = secret
    }

    /// A new secret of 20 bytes, the size of the hash.
    package static func makeSecret() -> Secret<[UInt8]> { Secret(RandomBytes.make(20)) }

    /// The six digits of the step that holds this Unix second.
    package func code(at seconds: Int64) -> String { code(step: OneTimePassword.step(at: seconds), digits: 6) }

    /// The step whose code this is: the current one, its predecessor or its successor; nil for a wrong code.
    ///
    /// - Parameter lastStep: the step that this user's last accepted code returned; codes of it and of earlier steps are refused (RFC 6238, section 5.2).
    package func verify(_ code: String, at seconds: Int64, after lastStep: Int64? = nil) -> Int64? {
        let current = OneTimePassword.step(at: seconds)
        var accepted: Int64?
        for step in (current - 1)...(current + 1) where ConstantTime.equal(code, self.code(step: step, digits: 6)) {
            if step > lastStep ?? .min { accepted = accepted ?? step }
        }
        return accepted
    }

    /// The `otpauth://` address that is shown as a QR code.
    package func address(issuer: String, account: String) -> Secret<String> {
        let issuer = PercentCoding.encode(issuer)
        let label = "\(issuer):\(PercentCoding.encode(account))"
        return Secret("otpauth://totp/\(label)?secret=\(Base32.encode(secret.reveal))&issuer=\(issuer)&algorithm=SHA1&digits=6&period=30")
    }

    /// HOTP of the step (RFC 4226, section 5.3: dynamic truncation).
    func code(step: Int64, digits: Int) -> String {
        let counter = stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: step >> Int64($0)) }
        let hash = Digest.sha1.authenticate(counter, key: secret.reveal)
        let offset = Int(hash[hash.count - 1] & 15)
        let word = hash[offset..<(offset + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
        let modulus = (0..<digits).reduce(UInt32(1)) { product, _ in product * 10 }
        let text = String(word % modulus)
        return String(repeating: "0", count: digits - text.utf8.count) + text
    }

    private static func step(at seconds: Int64) -> Int64 { seconds / 30 }
}
