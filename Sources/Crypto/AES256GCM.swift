internal import COpenSSL

/// AES-256 in Galois/counter mode with a 12-byte nonce and a 16-byte tag (NIST SP 800-38D).
///
/// A nonce used twice gives the key away, so only `SealedBox` calls this.
enum AES256GCM {
    static let keySize = 32
    static let nonceSize = 12
    static let tagSize = 16

    /// The ciphertext, as long as the plaintext, followed by the tag.
    static func seal(_ plaintext: [UInt8], key: [UInt8], nonce: [UInt8], associated: [UInt8]) throws(CryptoError) -> [UInt8] {
        let context = try Context(key: key, nonce: nonce)
        return try context.seal(plaintext, associated: associated)
    }

    /// The plaintext, or nil when anything at all was changed.
    static func open(_ sealed: ArraySlice<UInt8>, key: [UInt8], nonce: [UInt8], associated: [UInt8]) throws(CryptoError) -> [UInt8]? {
        guard sealed.count >= tagSize else { return nil }
        let context = try Context(key: key, nonce: nonce)
        return try context.open(Array(sealed.dropLast(tagSize)), tag: Array(sealed.suffix(tagSize)), associated: associated)
    }
}

/// One run of the cipher; OpenSSL's context erases the key schedule when it is freed.
@safe
private final class Context {
    private let pointer: OpaquePointer
    private let key: [UInt8]
    private let nonce: [UInt8]

    /// `EVP_CIPHER` is immutable; fetched once, as in `Digest`.
    nonisolated(unsafe) private static let cipher: OpaquePointer = {
        guard let fetched = unsafe EVP_CIPHER_fetch(nil, "AES-256-GCM", nil) else { preconditionFailure("OpenSSL has AES-256-GCM") }
        return unsafe fetched
    }()

    init(key: [UInt8], nonce: [UInt8]) throws(CryptoError) {
        guard key.count == AES256GCM.keySize, nonce.count == AES256GCM.nonceSize else { throw CryptoError(.invalidInput, "a key has 32 bytes") }
        guard let pointer = unsafe EVP_CIPHER_CTX_new() else { throw CryptoError(.unavailable, "no memory for encryption") }
        unsafe self.pointer = pointer
        self.key = key
        self.nonce = nonce
    }

    deinit { unsafe EVP_CIPHER_CTX_free(pointer) }

    func seal(_ plaintext: [UInt8], associated: [UInt8]) throws(CryptoError) -> [UInt8] {
        try check(unsafe EVP_EncryptInit_ex2(pointer, Context.cipher, key, nonce, nil))
        var written: Int32 = 0
        if !associated.isEmpty { try check(unsafe EVP_EncryptUpdate(pointer, nil, &written, associated, try length(associated))) }
        var output = [UInt8](repeating: 0, count: plaintext.count)
        if !plaintext.isEmpty { try check(unsafe EVP_EncryptUpdate(pointer, &output, &written, plaintext, try length(plaintext))) }
        var tag = [UInt8](repeating: 0, count: AES256GCM.tagSize)
        try check(unsafe EVP_EncryptFinal_ex(pointer, &tag, &written))
        try check(unsafe EVP_CIPHER_CTX_ctrl(pointer, EVP_CTRL_AEAD_GET_TAG, Int32(tag.count), &tag))
        return output + tag
    }

    func open(_ ciphertext: [UInt8], tag: [UInt8], associated: [UInt8]) throws(CryptoError) -> [UInt8]? {
        try check(unsafe EVP_DecryptInit_ex2(pointer, Context.cipher, key, nonce, nil))
        var written: Int32 = 0
        if !associated.isEmpty { try check(unsafe EVP_DecryptUpdate(pointer, nil, &written, associated, try length(associated))) }
        var output = [UInt8](repeating: 0, count: ciphertext.count)
        if !ciphertext.isEmpty { try check(unsafe EVP_DecryptUpdate(pointer, &output, &written, ciphertext, try length(ciphertext))) }
        var tag = tag
        try check(unsafe EVP_CIPHER_CTX_ctrl(pointer, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag))
        var rest = [UInt8](repeating: 0, count: AES256GCM.tagSize)
        guard unsafe EVP_DecryptFinal_ex(pointer, &rest, &written) == 1 else {
            // The failed decryption leaves an entry on this thread's error queue, which the next TLS call would report as its own.
            ERR_clear_error()
            return nil
        }
        return output
    }

    private func check(_ status: Int32) throws(CryptoError) {
        guard status == 1 else {
            ERR_clear_error()
            throw CryptoError(.unavailable, "encryption failed")
        }
    }

    private func length(_ bytes: [UInt8]) throws(CryptoError) -> Int32 {
        guard let length = Int32(exactly: bytes.count) else { throw CryptoError(.invalidInput, "too much to encrypt at once") }
        return length
    }
}
