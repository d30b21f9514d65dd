import Crypto
import Testing

@Suite struct SecretTests {
    struct Settings {
        let host = "db"
        let password = Secret("hunter2")
    }

    @Test func `a secret is not printed by any of the usual ways`() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump(Settings(), to: &dumped)
        for text in ["\(secret)", String(describing: secret), String(reflecting: secret), "\(Settings())", String(reflecting: Settings()), dumped] {
            #expect(text.contains("•••"))
            #expect(!text.contains("hunter2"))
        }
        #expect(secret.reveal == "hunter2")
    }
}

@Suite struct TokenTests {
    @Test func `a token is its prefix and letters and digits`() {
        let token = Token.make(prefix: "mr_live").reveal
        #expect(token.hasPrefix("mr_live_"))
        #expect(token.utf8.count == 8 + 33)
        #expect(token.dropFirst(8).allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
        #expect(!Token.make(prefix: "").reveal.contains("_"))
    }

    @Test(arguments: [(16, 22), (24, 33), (32, 43)]) func `its length holds the randomness`(bytes: Int, length: Int) {
        #expect(Token.make(prefix: "", bytes: bytes).reveal.utf8.count == length)
    }

    @Test func `tokens differ and use the whole alphabet evenly`() {
        let tokens = (0..<2_000).map { _ in Token.make(prefix: "").reveal }
        #expect(Set(tokens).count == tokens.count)
        let counts = tokens.joined().reduce(into: [Character: Int]()) { $0[$1, default: 0] += 1 }
        #expect(counts.count == 62)
        // 66,000 letters: 1,064 of each, standard deviation 32; ten of them never happen by chance.
        #expect(counts.values.allSatisfy { (740...1_390).contains($0) })
    }

    @Test func `the digest is the text's SHA-256`() {
        #expect(Token.digest("abc") == SHA256.hash("abc"))
    }
}

@Suite struct RandomBytesTests {
    @Test(arguments: [0, 1, 12, 1_000]) func `there are as many as asked for`(count: Int) {
        #expect(RandomBytes.make(count).count == count)
    }

    @Test func `they are not the same twice`() {
        #expect(RandomBytes.make(16) != RandomBytes.make(16))
    }
}

@Suite struct ConstantTimeTests {
    @Test func `equal means every byte`() {
        #expect(ConstantTime.equal([UInt8](), []))
        #expect(ConstantTime.equal([1, 2, 3], [1, 2, 3]))
        #expect(!ConstantTime.equal([1, 2, 3], [1, 2, 4]))
        #expect(!ConstantTime.equal([1, 2, 3], [1, 2]))
        #expect(ConstantTime.equal("ä", "ä"))
        #expect(!ConstantTime.equal("\u{E4}", "a\u{308}"))
    }
}
