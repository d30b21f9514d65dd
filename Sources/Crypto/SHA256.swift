/// SHA-256 (FIPS 180-4).
package enum SHA256 {
    /// The 32 bytes of the hash.
    package static func hash(_ bytes: [UInt8]) -> [UInt8] { Digest.sha256.hash(bytes) }

    /// The 32 bytes of the hash of the text's UTF-8.
    package static func hash(_ text: String) -> [UInt8] { Digest.sha256.hash(Array(text.utf8)) }
}
