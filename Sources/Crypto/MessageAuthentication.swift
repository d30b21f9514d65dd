/// HMAC-SHA256 (RFC 2104, RFC 4231): 32 bytes that only a holder of the key can make.
package enum MessageAuthentication {
    package static func code(for message: [UInt8], key: Secret<[UInt8]>) -> [UInt8] {
        Digest.sha256.authenticate(message, key: key.reveal)
    }

    /// Whether the code is the message's; takes the same time wherever they differ.
    package static func isValid(_ code: [UInt8], for message: [UInt8], key: Secret<[UInt8]>) -> Bool {
        ConstantTime.equal(code, self.code(for: message, key: key))
    }
}
