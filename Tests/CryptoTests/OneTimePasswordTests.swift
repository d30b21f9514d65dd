import Bytes
import Testing

@testable import Crypto

@Suite struct OneTimePasswordTests {
    func password() throws -> OneTimePassword { try OneTimePassword(secret: Secret(Array("12345678901234567890".utf8))) }

    /// RFC 6238, appendix B, the SHA-1 rows.
    @Test(
        arguments: [
            (59, "94287082"), (1_111_111_109, "07081804"), (1_111_111_111, "14050471"), (1_234_567_890, "89005924"), (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] as [(Int64, String)])
    func `the vectors of RFC 6238 hold`(seconds: Int64, code: String) throws {
        let password = try password()
        #expect(password.code(step: seconds / 30, digits: 8) == code)
        #expect(password.code(at: seconds) == String(code.suffix(6)))
    }

    /// RFC 4226, appendix D.
    @Test func `the vectors of RFC 4226 hold`() throws {
        let codes = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
        let password = try password()
        #expect((0..<10).map { password.code(step: $0, digits: 6) } == codes)
    }

    @Test func `a code is good for one step before and after its own`() throws {
        let password = try password()
        let code = password.code(at: 3000)
        #expect(password.verify(code, at: 2969) == nil)
        #expect(password.verify(code, at: 2970) == 100)
        #expect(password.verify(code, at: 3000) == 100)
        #expect(password.verify(code, at: 3059) == 100)
        #expect(password.verify(code, at: 3060) == nil)
    }

    @Test func `a code works once`() throws {
        let password = try password()
        let code = password.code(at: 3000)
        #expect(password.verify(code, at: 3000, after: 99) == 100)
        #expect(password.verify(code, at: 3001, after: 100) == nil)
        #expect(password.verify(password.code(at: 2970), at: 3001, after: 100) == nil)
        #expect(password.verify(password.code(at: 3030), at: 3001, after: 100) == 101)
    }

    @Test(arguments: ["", "1", "12345", "1234567", "abcdef", " 87082", "２87082"]) func `what is no code is refused`(code: String) throws {
        #expect(try password().verify(code, at: 59) == nil)
    }

    @Test func `the address carries the secret in Base32 and is not printed`() throws {
        let address = try password().address(issuer: "Mill Race", account: "ann@example.com")
        #expect(
            address.reveal
                == "otpauth://totp/Mill%20Race:ann%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Mill%20Race&algorithm=SHA1&digits=6&period=30"
        )
        #expect("\(address)" == "•••")
    }

    @Test func `a short secret is refused and a made one is not`() throws {
        #expect(throws: CryptoError.self) { try OneTimePassword(secret: Secret(RandomBytes.make(15))) }
        #expect(OneTimePassword.makeSecret().reveal.count == 20)
        _ = try OneTimePassword(secret: OneTimePassword.makeSecret())
    }
}
