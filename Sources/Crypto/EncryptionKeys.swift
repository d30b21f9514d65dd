internal import Bytes

/// The keys that protect secrets at rest: one seals, all open.
///
/// Rotation without a pause: add the new key everywhere but let the old one seal (`sealing:`), then let the new one seal (the default: the highest
/// identifier), re-seal what `isCurrent` says is old, and remove the old key when nothing uses it any more.
package struct EncryptionKeys: Sendable {
    /// The key that seals.
    package let sealingIdentifier: UInt8
    private let keys: [UInt8: Secret<[UInt8]>]

    /// Takes 32-byte keys by their identifiers.
    ///
    /// - Throws: `invalidInput` for no key, a key of another length, or a sealing identifier that has no key.
    package init(_ keys: [UInt8: Secret<[UInt8]>], sealing: UInt8? = nil) throws(CryptoError) {
        guard let highest = keys.keys.max() else { throw CryptoError(.invalidInput, "no encryption key") }
        guard keys.values.allSatisfy({ $0.reveal.count == AES256GCM.keySize }) else {
            throw CryptoError(.invalidInput, "an encryption key has 32 bytes")
        }
        sealingIdentifier = sealing ?? highest
        guard keys[sealingIdentifier] != nil else { throw CryptoError(.invalidInput, "the sealing key is not among the keys") }
        self.keys = keys
    }

    /// Reads the setting's form, `1:<base64 of 32 bytes>,2:<base64 of 32 bytes>`.
    ///
    /// - Throws: `invalidInput` for anything else, two keys of one identifier included; the message never quotes the text.
    package init(text: Secret<String>, sealing: UInt8? = nil) throws(CryptoError) {
        var keys: [UInt8: Secret<[UInt8]>] = [:]
        for entry in text.reveal.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = entry.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let identifier = UInt8(parts[0]), let key = Base64.standard.decode(parts[1]) else {
                throw CryptoError(.invalidInput, "encryption keys are written 1:<base64>,2:<base64>")
            }
            guard keys.updateValue(Secret(key), forKey: identifier) == nil else {
                throw CryptoError(.invalidInput, "two encryption keys have the same identifier")
            }
        }
        try self.init(keys, sealing: sealing)
    }

    /// A new random key.
    package static func makeKey() -> Secret<[UInt8]> { Secret(RandomBytes.make(AES256GCM.keySize)) }

    /// Encrypts; the same associated data opens it.
    package func seal(_ plaintext: Secret<[UInt8]>, associated: [UInt8]) throws(CryptoError) -> SealedBox {
        try SealedBox(sealing: plaintext.reveal, keyIdentifier: sealingIdentifier, key: key(sealingIdentifier), associated: associated)
    }

    /// Encrypts a text.
    package func seal(_ plaintext: Secret<String>, associated: String) throws(CryptoError) -> SealedBox {
        try seal(Secret(Array(plaintext.reveal.utf8)), associated: Array(associated.utf8))
    }

    /// Decrypts.
    ///
    /// - Throws: `notAuthentic` for a changed box, another row's box, or a key that is not here; which of them, nobody learns.
    package func open(_ box: SealedBox, associated: [UInt8]) throws(CryptoError) -> Secret<[UInt8]> {
        guard let plaintext = try box.open(key: key(box.keyIdentifier), associated: associated) else { throw EncryptionKeys.refusal }
        return Secret(plaintext)
    }

    /// Decrypts stored bytes to a text.
    package func openText(_ bytes: [UInt8], associated: String) throws(CryptoError) -> Secret<String> {
        guard let box = SealedBox(bytes) else { throw EncryptionKeys.refusal }
        let plaintext = try open(box, associated: Array(associated.utf8))
        guard let text = String(validating: plaintext.reveal, as: UTF8.self) else { throw EncryptionKeys.refusal }
        return Secret(text)
    }

    /// Whether the box was sealed by the key that seals now; if not, open and seal it again.
    package func isCurrent(_ box: SealedBox) -> Bool { box.keyIdentifier == sealingIdentifier }

    private func key(_ identifier: UInt8) throws(CryptoError) -> Secret<[UInt8]> {
        guard let key = keys[identifier] else { throw EncryptionKeys.refusal }
        return key
    }

    private static let refusal = CryptoError(.notAuthentic, "a stored secret does not open")
}
