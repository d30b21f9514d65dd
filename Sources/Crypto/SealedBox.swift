/// The bytes that are stored instead of a secret.
///
///     version 1 | key id 1 | nonce 12 | ciphertext n | tag 16        (30 bytes more than the plaintext)
///
/// Version and key id are authenticated together with the caller's associated data, which is not stored: say there what the secret belongs to
/// (`provider_keys.secret:<id>`), and a box copied into another row does not open. Nonces are random, which is safe for 2³² boxes per key
/// (NIST SP 800-38D, 8.3): rotate before that.
package struct SealedBox: Hashable, Sendable {
    /// What is stored.
    package let bytes: [UInt8]

    /// Takes bytes that look like a box; nil when they are too short or of another version.
    ///
    /// Says nothing about whether they are authentic.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count >= SealedBox.overhead, bytes[0] == SealedBox.version else { return nil }
        self.bytes = bytes
    }

    /// The key that sealed it.
    package var keyIdentifier: UInt8 { bytes[1] }

    /// How many bytes a box has more than its plaintext.
    package static let overhead = 2 + AES256GCM.nonceSize + AES256GCM.tagSize

    private static let version: UInt8 = 1

    init(sealing plaintext: [UInt8], keyIdentifier: UInt8, key: Secret<[UInt8]>, associated: [UInt8]) throws(CryptoError) {
        let header = [SealedBox.version, keyIdentifier]
        let nonce = RandomBytes.make(AES256GCM.nonceSize)
        bytes = header + nonce + (try AES256GCM.seal(plaintext, key: key.reveal, nonce: nonce, associated: header + associated))
    }

    func open(key: Secret<[UInt8]>, associated: [UInt8]) throws(CryptoError) -> [UInt8]? {
        let nonce = Array(bytes[2..<(2 + AES256GCM.nonceSize)])
        let sealed = bytes[(2 + AES256GCM.nonceSize)...]
        return try AES256GCM.open(sealed, key: key.reveal, nonce: nonce, associated: Array(bytes[..<2]) + associated)
    }
}
