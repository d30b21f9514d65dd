internal import Bytes
internal import CCrypt

/// Passwords of people, hashed with bcrypt (`$2b$`) by libxcrypt.
///
/// bcrypt reads 72 bytes and silently ignores the rest, and a C string ends at a NUL. So a longer password is replaced by the Base64 of its SHA-256 (44 bytes,
/// no NUL) before bcrypt sees it, and a password with a NUL byte is refused; passwords up to 72 bytes are hashed as they are, which keeps hashes of
/// other systems valid. The bytes are taken as they come: whoever takes passwords in from people should bring them to one Unicode form first.
///
/// A hash of cost 12 takes a quarter of a second of processor time, by intention: call it on a lane, never in a Swift task.
package enum Password {
    /// What new hashes get; the work doubles with each step.
    package static let defaultCost = 12
    /// The costs that are accepted.
    ///
    /// Below 10 is for tests; above 16 a login takes seconds.
    package static let costs = 4...16
    /// Longer passwords are refused before any work is done for them.
    package static let longest = 1024

    /// Hashes a new password: 60 characters, `$2b$`, cost, salt and hash.
    ///
    /// - Throws: `invalidInput` for a NUL byte, more than `longest` bytes, or a cost outside of `costs`.
    package static func hash(_ password: String, cost: Int = defaultCost) throws(CryptoError) -> String {
        guard costs.contains(cost) else { throw CryptoError(.invalidInput, "a bcrypt cost is between \(costs.lowerBound) and \(costs.upperBound)") }
        guard let phrase = phrase(password) else {
            throw CryptoError(.invalidInput, "a password has at most \(longest) bytes and no NUL")
        }
        guard let setting = makeSetting(cost: cost), let hash = run(phrase, setting: setting) else {
            throw CryptoError(.unavailable, "the password could not be hashed")
        }
        return hash
    }

    /// Whether the password is the one that was hashed.
    ///
    /// False as well for a text that is no bcrypt hash.
    ///
    /// `$2b$`, `$2a$` and `$2y$` are accepted, which mean the same for passwords without libraries' old bugs.
    package static func verify(_ password: String, against hash: String) -> Bool {
        guard let cost = cost(of: hash), costs.contains(cost), let phrase = phrase(password), let computed = run(phrase, setting: hash) else {
            return false
        }
        return ConstantTime.equal(computed, hash)
    }

    /// Takes as long as `verify` and says no.
    ///
    /// Call it when the user is unknown or has no password, so that the answer's time does not tell which names exist.
    @discardableResult
    package static func verifyAgainstNothing(_ password: String, cost: Int = defaultCost) -> Bool {
        let bounded = min(max(cost, costs.lowerBound), costs.upperBound)
        _ = run(phrase(password) ?? [], setting: "$2b$\(bounded < 10 ? "0" : "")\(bounded)$" + "......................")
        return false
    }

    /// The cost of a stored hash, nil for a text that is no bcrypt hash.
    ///
    /// Hash again at the next login when it is below `defaultCost`.
    package static func cost(of hash: String) -> Int? {
        let bytes = Array(hash.utf8)
        guard bytes.count == 60, [UInt8(ascii: "a"), UInt8(ascii: "b"), UInt8(ascii: "y")].contains(bytes[2]) else { return nil }
        let dollar = UInt8(ascii: "$")
        guard bytes[0] == dollar, bytes[1] == UInt8(ascii: "2"), bytes[3] == dollar, bytes[6] == dollar else { return nil }
        let digits = bytes[4...5].map { Int($0) - 48 }
        guard digits.allSatisfy((0...9).contains) else { return nil }
        return digits[0] * 10 + digits[1]
    }

    /// What bcrypt is given, nil for what it must not be given.
    private static func phrase(_ password: String) -> [UInt8]? {
        let bytes = Array(password.utf8)
        guard bytes.count <= longest, !bytes.contains(0) else { return nil }
        return bytes.count <= 72 ? bytes : Array(Base64.standard.encode(SHA256.hash(bytes)).utf8)
    }

    private static func makeSetting(cost: Int) -> String? {
        let salt = RandomBytes.make(16).map { CChar(bitPattern: $0) }
        var output = [CChar](repeating: 0, count: Int(CRYPT_GENSALT_OUTPUT_SIZE))
        let size = Int32(output.count)
        guard let setting = unsafe crypt_gensalt_rn("$2b$", UInt(cost), salt, Int32(salt.count), &output, size) else { return nil }
        return unsafe String(cString: setting)
    }

    private static func run(_ phrase: [UInt8], setting: String) -> String? {
        // 32 KiB, zeroed as crypt(3) asks, and not on a lane's stack. libxcrypt erases its scratch space itself.
        let size = MemoryLayout<crypt_data>.size
        let data = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: MemoryLayout<crypt_data>.alignment)
        unsafe data.initializeMemory(as: UInt8.self, repeating: 0)
        defer { unsafe data.deallocate() }
        let terminated = phrase.map { CChar(bitPattern: $0) } + [0]
        guard let hash = unsafe crypt_rn(terminated, setting, data.baseAddress, Int32(size)) else { return nil }
        return unsafe String(cString: hash)
    }
}
