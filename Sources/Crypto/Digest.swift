internal import COpenSSL

/// A hash function of OpenSSL, fetched once: OpenSSL 3 looks an algorithm up by name on every one-shot call otherwise, which costs more than a short hash.
///
/// `EVP_MD` is immutable and reference-counted behind a lock-free counter; the process keeps its reference for ever.
@safe
struct Digest: @unchecked Sendable {
    let algorithm: OpaquePointer
    let size: Int

    static let sha1 = Digest("SHA1")
    static let sha256 = Digest("SHA256")

    private init(_ name: String) {
        guard let fetched = unsafe EVP_MD_fetch(nil, name, nil) else { preconditionFailure("OpenSSL has \(name)") }
        unsafe algorithm = fetched
        size = unsafe Int(EVP_MD_get_size(fetched))
    }

    func hash(_ bytes: [UInt8]) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
            let status = unsafe EVP_Digest(bytes, bytes.count, buffer.baseAddress, nil, algorithm, nil)
            precondition(status == 1, "OpenSSL hashes")
            initialized = size
        }
    }

    func authenticate(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
            let code = unsafe HMAC(algorithm, key, Int32(key.count), message, message.count, buffer.baseAddress, nil)
            precondition(unsafe code != nil, "OpenSSL authenticates")
            initialized = size
        }
    }
}
