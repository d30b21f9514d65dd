internal import COpenSSL

/// Comparison whose duration does not depend on where two secrets differ.
package enum ConstantTime {
    /// Whether both hold the same bytes.
    ///
    /// Lengths are no secret: different lengths are different at once.
    package static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe CRYPTO_memcmp(left, right, left.count) == 0
    }

    /// Whether both texts have the same UTF-8 bytes; Unicode's canonical equivalence does not count.
    package static func equal(_ left: String, _ right: String) -> Bool {
        equal(Array(left.utf8), Array(right.utf8))
    }
}
