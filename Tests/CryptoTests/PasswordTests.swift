import Crypto
import Glibc
import Testing

/// Cost 4 wherever the cost is not what is tested.
@Suite struct PasswordTests {
    /// From the self-test of crypt_blowfish, OpenBSD's algorithm in libxcrypt and in other systems.
    @Test(arguments: [
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
        ("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
        ("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"),
    ])
    func `hashes of other systems verify`(password: String, hash: String) {
        #expect(Password.verify(password, against: hash))
        #expect(!Password.verify(password + "x", against: hash))
    }

    @Test(arguments: ["", "a", "correct horse battery staple", "pässwörd 😀", String(repeating: "x", count: 72)])
    func `a password verifies against its hash and no other does`(password: String) throws {
        let hash = try Password.hash(password, cost: 4)
        #expect(hash.hasPrefix("$2b$04$"))
        #expect(hash.utf8.count == 60)
        #expect(Password.cost(of: hash) == 4)
        #expect(Password.verify(password, against: hash))
        #expect(!Password.verify(password.isEmpty ? "a" : String(password.dropLast()), against: hash))
    }

    @Test func `the salt makes two hashes of one password differ`() throws {
        #expect(try Password.hash("a", cost: 4) != Password.hash("a", cost: 4))
    }

    @Test func `what comes after the 72nd byte counts`() throws {
        let long = String(repeating: "x", count: 72)
        let hash = try Password.hash(long + "1", cost: 4)
        #expect(Password.verify(long + "1", against: hash))
        #expect(!Password.verify(long + "2", against: hash))
        #expect(!Password.verify(long, against: hash))
        let longest = String(repeating: "y", count: Password.longest)
        #expect(Password.verify(longest, against: try Password.hash(longest, cost: 4)))
    }

    @Test(arguments: ["a\0", "\0", "a\0b", String(repeating: "x", count: Password.longest + 1)])
    func `a NUL byte and too many bytes are refused`(password: String) throws {
        #expect(throws: CryptoError(.invalidInput, "a password has at most 1024 bytes and no NUL")) { try Password.hash(password, cost: 4) }
        #expect(!Password.verify(password, against: try Password.hash("a", cost: 4)))
    }

    @Test(arguments: [-1, 0, 3, 17, 31, 99])
    func `a cost out of range is refused`(cost: Int) {
        #expect(throws: CryptoError.self) { try Password.hash("a", cost: cost) }
    }

    @Test(arguments: [
        "", "x", "*0", "$2b$", "$1$salt$hash", "$2b$04$", "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$2b$0x$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe", "$2a$05$!!!!!!!!!!!!!!!!!!!!!.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    ])
    func `what is no hash verifies nothing`(hash: String) {
        #expect(!Password.verify("U*U", against: hash))
        #expect(!Password.verify("", against: hash))
    }

    @Test func `an unknown user costs as much as a known one`() throws {
        let hash = try Password.hash("a", cost: 8)
        // The best of several runs: noise only adds.
        let known = (0..<5).map { _ in processorTime { _ = Password.verify("b", against: hash) } }.min() ?? 0
        let unknown = (0..<5).map { _ in processorTime { #expect(!Password.verifyAgainstNothing("b", cost: 8)) } }.min() ?? 0
        #expect(unknown > known / 2)
        #expect(unknown < known * 3)
    }

    /// Nanoseconds that this thread has worked; how busy the machine is with others does not count.
    private func processorTime(_ body: () -> Void) -> Int {
        var start = timespec()
        var end = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start)
        body()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end)
        return (end.tv_sec - start.tv_sec) * 1_000_000_000 + end.tv_nsec - start.tv_nsec
    }
}
