import Bytes
import Testing

@testable import Crypto

@Suite struct EncryptionKeysTests {
    /// Test cases 13–16 of the GCM specification that NIST adopted (McGrew and Viega, appendix B): AES-256, 96-bit nonce.
    static let vectors = [
        (String(repeating: "00", count: 32), String(repeating: "00", count: 12), "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
        (
            String(repeating: "00", count: 32), String(repeating: "00", count: 12), String(repeating: "00", count: 16), "",
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"
        ),
        (
            "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255", "",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
                + "b094dac5d93471bdec1a502270e3cc6c"
        ),
        (
            "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                + "76fc6ece0f4e1768cddf8853bb2d551b"
        ),
    ]

    @Test(arguments: vectors)
    func `the GCM specification's vectors hold`(key: String, nonce: String, plaintext: String, associated: String, sealed: String) throws {
        let result = try AES256GCM.seal(bytes(plaintext), key: bytes(key), nonce: bytes(nonce), associated: bytes(associated))
        #expect(Hex.encode(result) == sealed)
        let opened = try AES256GCM.open(bytes(sealed)[...], key: bytes(key), nonce: bytes(nonce), associated: bytes(associated))
        #expect(opened == bytes(plaintext))
    }

    @Test(arguments: [0, 1, 15, 16, 17, 100_000])
    func `what was sealed opens`(length: Int) throws {
        let keys = try EncryptionKeys([1: EncryptionKeys.makeKey()])
        let plaintext = RandomBytes.make(length)
        let box = try keys.seal(Secret(plaintext), associated: [1, 2, 3])
        #expect(box.bytes.count == length + SealedBox.overhead)
        #expect(try keys.open(box, associated: [1, 2, 3]).reveal == plaintext)
    }

    @Test func `two boxes of the same secret differ`() throws {
        let keys = try EncryptionKeys([1: EncryptionKeys.makeKey()])
        #expect(try keys.seal(Secret("x"), associated: "") != keys.seal(Secret("x"), associated: ""))
    }

    @Test func `a change of any bit is refused, and the error says nothing else`() throws {
        let key = EncryptionKeys.makeKey()
        // All identifiers have this key, so that a changed identifier is caught by authentication and not by a missing key.
        let keys = try EncryptionKeys(Dictionary(uniqueKeysWithValues: (UInt8.min...UInt8.max).map { ($0, key) }), sealing: 1)
        let box = try keys.seal(Secret("secret"), associated: "row 1")
        for bit in 0..<(box.bytes.count * 8) {
            var changed = box.bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            let error = #expect(throws: CryptoError.self) { try keys.openText(changed, associated: "row 1") }
            #expect(error == CryptoError(.notAuthentic, "a stored secret does not open"))
        }
        #expect(try keys.openText(box.bytes, associated: "row 1").reveal == "secret")
    }

    @Test func `a box cut short or copied to another row is refused`() throws {
        let keys = try EncryptionKeys([1: EncryptionKeys.makeKey()])
        let box = try keys.seal(Secret("secret"), associated: "row 1")
        #expect(throws: CryptoError(.notAuthentic, "a stored secret does not open")) { try keys.openText(box.bytes, associated: "row 2") }
        for length in 0..<box.bytes.count {
            #expect(throws: CryptoError.self) { try keys.openText(Array(box.bytes[..<length]), associated: "row 1") }
        }
    }

    @Test func `rotation: the highest key seals, older ones open until they are removed`() throws {
        let old = EncryptionKeys.makeKey()
        let new = EncryptionKeys.makeKey()
        let before = try EncryptionKeys([1: old])
        let prepared = try EncryptionKeys([1: old, 2: new], sealing: 1)
        let rotated = try EncryptionKeys([1: old, 2: new])
        let after = try EncryptionKeys([2: new])

        let first = try before.seal(Secret("a"), associated: "")
        #expect(try before.openText(prepared.seal(Secret("p"), associated: "").bytes, associated: "").reveal == "p")
        #expect(!rotated.isCurrent(first))
        let text = try rotated.openText(first.bytes, associated: "")
        let second = try rotated.seal(text, associated: "")
        #expect(second.keyIdentifier == 2)
        #expect(rotated.isCurrent(second))
        #expect(try after.openText(second.bytes, associated: "").reveal == "a")
        #expect(try prepared.openText(second.bytes, associated: "").reveal == "a")
        #expect(throws: CryptoError(.notAuthentic, "a stored secret does not open")) { try after.open(first, associated: []) }
    }

    @Test func `the setting's form is read`() throws {
        let key = EncryptionKeys.makeKey()
        let text = "1:\(Base64.standard.encode(RandomBytes.make(32))),7:\(Base64.standard.encode(key.reveal))"
        let keys = try EncryptionKeys(text: Secret(text))
        #expect(keys.sealingIdentifier == 7)
        let box = try keys.seal(Secret("a"), associated: "")
        #expect(try EncryptionKeys([7: key]).openText(box.bytes, associated: "").reveal == "a")
    }

    @Test(arguments: [
        "", "1", "1:", ":", "1:AAAA", "x:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,",
        "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    ])
    func `a bad setting is refused without being quoted`(text: String) {
        let error = #expect(throws: CryptoError.self) { try EncryptionKeys(text: Secret(text)) }
        #expect(error?.kind == .invalidInput)
        #expect(error?.message.contains("AAAA") == false)
    }

    @Test func `impossible keys are refused`() {
        #expect(throws: CryptoError.self) { try EncryptionKeys([:]) }
        #expect(throws: CryptoError.self) { try EncryptionKeys([1: Secret(RandomBytes.make(16))]) }
        #expect(throws: CryptoError.self) { try EncryptionKeys([1: EncryptionKeys.makeKey()], sealing: 2) }
    }
}
