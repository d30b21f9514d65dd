import Bytes
import Crypto
import Testing

@Suite struct WebhookSignatureTests {
    /// The vector that the Standard Webhooks libraries publish and test.
    let id = "msg_p5jXN8AQM9LWM0D4loKWxJek"
    let timestamp: Int64 = 1_614_265_330
    let body = Array(#"{"test": 2432232314}"#.utf8)
    let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    func secret() throws -> WebhookSecret { try WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") }

    @Test func `the published vector holds`() throws {
        #expect(WebhookSignature.sign(id: id, timestamp: timestamp, body: body, secrets: [try secret()]) == signature)
        try WebhookSignature.verify(signature, id: id, timestamp: "1614265330", body: body, secrets: [secret()], now: timestamp)
    }

    @Test func `every secret signs during a rotation and one suffices`() throws {
        let new = WebhookSecret.make()
        let both = WebhookSignature.sign(id: id, timestamp: timestamp, body: body, secrets: [new, try secret()])
        #expect(both.hasSuffix(" " + signature))
        for secrets in [[new], [try secret()], [WebhookSecret.make(), new]] {
            try WebhookSignature.verify(both, id: id, timestamp: "1614265330", body: body, secrets: secrets, now: timestamp)
        }
        // A receiver skips versions that it does not know.
        try WebhookSignature.verify("v1a,AAAA v2,x \(both)", id: id, timestamp: "1614265330", body: body, secrets: [new], now: timestamp)
    }

    @Test func `another body, identifier, time or secret is refused`() throws {
        let refusal = CryptoError(.notAuthentic, "the webhook's signature is not valid")
        let secrets = [try secret()]
        #expect(throws: refusal) {
            try WebhookSignature.verify(signature, id: id, timestamp: "1614265330", body: body + [10], secrets: secrets, now: timestamp)
        }
        #expect(throws: refusal) {
            try WebhookSignature.verify(signature, id: id + "x", timestamp: "1614265330", body: body, secrets: secrets, now: timestamp)
        }
        for text in ["1614265331", "01614265330", "+1614265330", "-1", "", "x", "1614265330 ", "99999999999999999999"] {
            #expect(throws: refusal) {
                try WebhookSignature.verify(signature, id: id, timestamp: text, body: body, secrets: secrets, now: timestamp)
            }
        }
        for text in ["", "v1,", "v1", signature.dropFirst(3).description, "v2" + signature.dropFirst(2), String(signature.dropLast())] {
            #expect(throws: refusal) {
                try WebhookSignature.verify(text, id: id, timestamp: "1614265330", body: body, secrets: secrets, now: timestamp)
            }
        }
        #expect(throws: refusal) {
            try WebhookSignature.verify(signature, id: id, timestamp: "1614265330", body: body, secrets: [.make()], now: timestamp)
        }
        #expect(throws: refusal) {
            try WebhookSignature.verify(signature, id: id, timestamp: "1614265330", body: body, secrets: [], now: timestamp)
        }
    }

    @Test(arguments: [(-301, .notYetValid), (-300, nil), (0, nil), (300, nil), (301, .expired)] as [(Int64, CryptoError.Kind?)])
    func `the timestamp may be five minutes off`(age: Int64, kind: CryptoError.Kind?) throws {
        var thrown: CryptoError.Kind?
        do {
            try WebhookSignature.verify(signature, id: id, timestamp: "1614265330", body: body, secrets: [secret()], now: timestamp + age)
        } catch let error as CryptoError {
            thrown = error.kind
        }
        #expect(thrown == kind)
    }

    @Test func `a secret's text reads back and is not printed`() throws {
        let secret = WebhookSecret.make()
        let text = secret.text.reveal
        #expect(text.hasPrefix("whsec_"))
        #expect(try WebhookSecret(text).text.reveal == text)
        #expect(!"\(secret)".contains(text.dropFirst(6)))
    }

    @Test(arguments: [23, 24, 64, 65]) func `a secret has 24 to 64 bytes`(count: Int) {
        let secret = try? WebhookSecret("whsec_" + Base64.standard.encode(RandomBytes.make(count)))
        #expect((secret != nil) == (24...64).contains(count))
    }

    @Test(arguments: [
        "", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!",
    ])
    func `a text that is no secret is refused`(text: String) {
        #expect(throws: CryptoError.self) { try WebhookSecret(text) }
    }

    @Test(.enabled(if: Python.isInstalled)) func `Python signs the same`() throws {
        let secret = WebhookSecret.make()
        let body = RandomBytes.make(500)
        let program = """
            import base64,hmac,sys
            secret, id, body = (bytes.fromhex(text) for text in sys.argv[1:4])
            key = base64.b64decode(secret.removeprefix(b'whsec_'))
            code = base64.b64encode(hmac.new(key, id + b'.1700000000.' + body, 'sha256').digest()).decode()
            print('v1,' + code + ' ' + hmac.new(key, body, 'sha256').hexdigest())
            """
        let theirs = Python.run(program, [Array(secret.text.reveal.utf8), Array("evt_1".utf8), body])
        let signature = WebhookSignature.sign(id: "evt_1", timestamp: 1_700_000_000, body: body, secrets: [secret])
        #expect(theirs == signature + " " + WebhookSignature.hexadecimal(body: body, secret: secret))
    }
}
