import Bytes
import Crypto
import Testing

@Suite struct JSONWebTokenTests {
    let key = Secret(Array("0123456789abcdef0123456789abcdef".utf8))
    let payload = Array(#"{"sub":"user_1","nbf":1000,"exp":2000}"#.utf8)

    @Test func `a signed token verifies and gives its payload back`() throws {
        let tokens = try JSONWebToken(keys: [key])
        let token = tokens.sign(payload: payload)
        #expect(token.hasPrefix("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."))
        #expect(try tokens.verify(token, now: 1500) == payload)
    }

    @Test func `the example of RFC 7515, appendix A.1, verifies`() throws {
        let text = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
        let tokens = try JSONWebToken(keys: [Secret(#require(Base64.urlUnpadded.decode(text)))])
        let token =
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
            + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        let expected = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"
        #expect(try tokens.verify(token, now: 1_300_819_379) == Array(expected.utf8))
        #expect(throws: CryptoError(.expired, "the token has expired")) { try tokens.verify(token, now: 1_300_819_380) }
    }

    @Test func `time is checked to the second and with leeway`() throws {
        let tokens = try JSONWebToken(keys: [key])
        let token = tokens.sign(payload: payload)
        func kind(_ now: Int64, leeway: Int64 = 0) -> CryptoError.Kind? {
            do {
                _ = try tokens.verify(token, now: now, leeway: leeway)
                return nil
            } catch {
                return error.kind
            }
        }
        #expect(kind(999) == .notYetValid)
        #expect(kind(1000) == nil)
        #expect(kind(1999) == nil)
        #expect(kind(2000) == .expired)
        #expect(kind(2009, leeway: 10) == nil)
        #expect(kind(2010, leeway: 10) == .expired)
        #expect(kind(990, leeway: 10) == nil)
        #expect(kind(989, leeway: 10) == .notYetValid)
        #expect(kind(1500, leeway: .max) == nil)
    }

    @Test func `a change of any character is refused`() throws {
        let tokens = try JSONWebToken(keys: [key])
        let token = Array(tokens.sign(payload: payload).utf8)
        for index in token.indices {
            var changed = token
            changed[index] = changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            let text = String(decoding: changed, as: UTF8.self)
            #expect(throws: CryptoError(.notAuthentic, "the token is not valid")) { try tokens.verify(text, now: 1500) }
        }
    }

    @Test(arguments: [
        #"{"alg":"none","typ":"JWT"}"#, #"{"alg":"none"}"#, #"{"alg":"HS512","typ":"JWT"}"#, #"{"alg":"RS256","typ":"JWT"}"#, #"{"typ":"JWT"}"#, "{}",
        "",
        #"{"alg":"hs256"}"#, #"{"alg":"HS256","crit":["exp"]}"#, #"{"alg":"HS256","alg":"none"}"#, #"{"alg":"none","x":{"alg":"HS256"}}"#,
        #"{"\u0061lg":"HS256"}"#, #"["alg","HS256"]"#, #"{"alg":"HS256"}x"#, #"{"alg":"HS256","typ":"at+jwt"}"#, #"{"alg":["HS256"]}"#,
        #"{"alg":"HS256""#,
    ])
    func `another algorithm is refused, correctly signed or not`(header: String) throws {
        let tokens = try JSONWebToken(keys: [key])
        let content = Base64.urlUnpadded.encode(header.utf8) + "." + Base64.urlUnpadded.encode(payload)
        let code = Base64.urlUnpadded.encode(MessageAuthentication.code(for: Array(content.utf8), key: key))
        #expect(throws: CryptoError(.notAuthentic, "the token is not valid")) { try tokens.verify(content + "." + code, now: 1500) }
        #expect(throws: CryptoError(.notAuthentic, "the token is not valid")) { try tokens.verify(content + ".", now: 1500) }
    }

    @Test(arguments: [#"{"alg":"HS256"}"#, #"{ "typ" : "JWT", "kid": "a\"b", "alg" : "HS256", "x": [1, {"alg": "none"}] }"#])
    func `another spelling of our algorithm is accepted`(header: String) throws {
        let tokens = try JSONWebToken(keys: [key])
        let content = Base64.urlUnpadded.encode(header.utf8) + "." + Base64.urlUnpadded.encode(payload)
        let code = Base64.urlUnpadded.encode(MessageAuthentication.code(for: Array(content.utf8), key: key))
        #expect(try tokens.verify(content + "." + code, now: 1500) == payload)
    }

    @Test(arguments: [
        "{}", "", "null", "[]", #"{"exp":"2000"}"#, #"{"exp":2000.5}"#, #"{"exp":2e3}"#, #"{"exp":null}"#, #"{"x":{"exp":2000}}"#,
        #"{"exp":2000,"exp":9000}"#,
        #"{"exp":2000,"nbf":"1000"}"#, #"{"\u0065xp":2000}"#, #"{"x":"\"exp\":2000"}"#, #"{"exp":2000}}"#, #"{"exp":2000,}"#,
        #"{"exp":99999999999999999999}"#,
        #"{"exp":02000}"#, #"{"x":[}],"exp":2000}"#, #"{"exp":2000"#,
    ])
    func `a payload without a plain end is refused although it is signed`(payload: String) throws {
        let tokens = try JSONWebToken(keys: [key])
        let token = tokens.sign(payload: Array(payload.utf8))
        #expect(throws: CryptoError(.notAuthentic, "the token is not valid")) { try tokens.verify(token, now: 1500) }
    }

    @Test(arguments: ["", ".", "..", "...", "a.b", "a.b.c.d", String(repeating: "a", count: 100_000)])
    func `what is no token is refused`(text: String) throws {
        let tokens = try JSONWebToken(keys: [key])
        #expect(throws: CryptoError(.notAuthentic, "the token is not valid")) { try tokens.verify(text, now: 1500) }
    }

    @Test func `the first key signs and every key verifies`() throws {
        let new = Secret(RandomBytes.make(32))
        let before = try JSONWebToken(keys: [key])
        let rotated = try JSONWebToken(keys: [new, key])
        let after = try JSONWebToken(keys: [new])
        #expect(try rotated.verify(before.sign(payload: payload), now: 1500) == payload)
        #expect(try after.verify(rotated.sign(payload: payload), now: 1500) == payload)
        #expect(throws: CryptoError.self) { try after.verify(before.sign(payload: payload), now: 1500) }
    }

    @Test func `a short key is refused`() {
        #expect(throws: CryptoError.self) { try JSONWebToken(keys: []) }
        #expect(throws: CryptoError.self) { try JSONWebToken(keys: [key, Secret(RandomBytes.make(31))]) }
    }

    @Test(.enabled(if: Python.isInstalled)) func `Python accepts our token's signature`() throws {
        let token = try JSONWebToken(keys: [key]).sign(payload: payload)
        let program = """
            import base64,hmac,json,sys
            key, token = (bytes.fromhex(text) for text in sys.argv[1:3])
            head, body, code = token.split(b'.')
            raw = lambda text: base64.urlsafe_b64decode(text + b'=' * (-len(text) % 4))
            assert json.loads(raw(head)) == {'alg': 'HS256', 'typ': 'JWT'}
            assert hmac.compare_digest(hmac.new(key, head + b'.' + body, 'sha256').digest(), raw(code))
            print(json.loads(raw(body))['sub'])
            """
        #expect(Python.run(program, [key.reveal, Array(token.utf8)]) == "user_1")
    }
}
