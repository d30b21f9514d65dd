/// The 64-bit FNV-1a hash: the same number in every process and version, which Swift's seeded `Hasher` is not.
///
/// For shard numbers and lock keys. Whoever chooses the input can make collisions; never use it where that matters.
package enum FNV1a {
    package static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes {
            hash ^= UInt64(byte)
            hash &*= 0x0000_0100_0000_01B3
        }
        return hash
    }

    package static func hash(_ text: some StringProtocol) -> UInt64 { hash(text.utf8) }
}
