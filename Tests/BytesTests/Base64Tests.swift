import Bytes
import Faults
import Testing

@Suite struct Base64Tests {
    /// RFC 4648, section 10.
    static let vectors = [
        ("", "", ""), ("f", "Zg==", "MY"), ("fo", "Zm8=", "MZXQ"), ("foo", "Zm9v", "MZXW6"), ("foob", "Zm9vYg==", "MZXW6YQ"),
        ("fooba", "Zm9vYmE=", "MZXW6YTB"), ("foobar", "Zm9vYmFy", "MZXW6YTBOI"),
    ]

    @Test(arguments: vectors)
    func `the vectors of RFC 4648 hold`(plain: String, base64: String, base32: String) {
        let bytes = Array(plain.utf8)
        let unpadded = base64.filter { $0 != "=" }
        #expect(Base64.standard.encode(bytes) == base64)
        #expect(Base64.standard.decode(base64) == bytes)
        #expect(Base64.standardUnpadded.encode(bytes) == unpadded)
        #expect(Base64.standardUnpadded.decode(unpadded) == bytes)
        #expect(Base32.encode(bytes) == base32)
        #expect(Base32.decode(base32) == bytes)
        #expect(Base32.decode(base32.lowercased()) == bytes)
    }

    @Test func `the URL-safe alphabet differs in two characters`() {
        let bytes: [UInt8] = [0xFB, 0xFF, 0xBF, 0xFE]
        #expect(Base64.standard.encode(bytes) == "+/+//g==")
        #expect(Base64.url.encode(bytes) == "-_-__g==")
        #expect(Base64.urlUnpadded.encode(bytes) == "-_-__g")
        #expect(Base64.standard.decode("-_-__g==") == nil)
        #expect(Base64.url.decode("+/+//g==") == nil)
        #expect(Base64.urlUnpadded.decode("-_-__g==") == nil)
        #expect(Base64.url.decode("-_-__g") == nil)
    }

    @Test(arguments: ["Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "Zg==Zg==", "Zm9v=", "Zm9v====", "Zm9-", "é==="])
    func `bad padding, foreign characters and stray bits are refused`(text: String) {
        #expect(Base64.standard.decode(text) == nil)
    }

    @Test(arguments: ["M", "MZX", "MZXW6Y", "MZ", "MY======", "M1", "M8", "MY ", "MZXW6YTBO1"])
    func `bad Base32 is refused`(text: String) {
        #expect(Base32.decode(text) == nil)
    }

    @Test(arguments: 0..<64)
    func `random bytes read back from every spelling`(count: Int) {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        for spelling in [Base64.standard, .standardUnpadded, .url, .urlUnpadded] {
            #expect(spelling.decode(spelling.encode(bytes)) == bytes, "seed \(seed), \(spelling)")
        }
        #expect(Base32.decode(Base32.encode(bytes)) == bytes, "seed \(seed)")
    }
}
