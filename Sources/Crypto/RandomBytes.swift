internal import COpenSSL

/// Bytes that nobody can guess, from OpenSSL's generator, which the kernel seeds.
package enum RandomBytes {
    /// Makes that many bytes.
    ///
    /// A process without randomness must not go on, so a failing source ends it.
    package static func make(_ count: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            if count > 0 {
                let status = unsafe RAND_bytes(buffer.baseAddress, Int32(count))
                precondition(status == 1, "the random source answers")
            }
            initialized = count
        }
    }
}
