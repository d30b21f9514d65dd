import Bytes
import Testing

@Suite struct PercentCodingTests {
    @Test func `only unreserved characters stay as they are`() {
        let unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
        #expect(PercentCoding.encode(unreserved) == unreserved)
        #expect(PercentCoding.encode("a b/c?d=e&f+g%") == "a%20b%2Fc%3Fd%3De%26f%2Bg%25")
        #expect(PercentCoding.encode("ü\u{0}") == "%C3%BC%00")
    }

    @Test func `every ASCII character and more read back`() {
        let text = String(decoding: Array(UInt8(0)...127), as: UTF8.self) + "üß€😀"
        #expect(PercentCoding.decode(PercentCoding.encode(text)) == text)
        #expect(PercentCoding.decodeForm(PercentCoding.encode(text)) == text)
    }

    @Test func `a plus sign is a blank in forms only`() {
        #expect(PercentCoding.decode("a+b%2B") == "a+b+")
        #expect(PercentCoding.decodeForm("a+b%2B") == "a b+")
    }

    @Test(arguments: ["%", "%2", "%zz", "%2g", "a%", "%FF", "%C3", "a b", "ü", "\u{7F}", "\n", "%%20"])
    func `broken escapes, raw bytes and bad UTF-8 are refused`(text: String) {
        #expect(PercentCoding.decode(text) == nil)
        #expect(PercentCoding.decodeForm(text) == nil)
    }
}
