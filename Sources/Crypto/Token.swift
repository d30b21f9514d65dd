/// Random texts that open doors: API keys, session and reset tokens.
///
/// The text is the prefix, an underscore and letters and digits only, so that a double click selects all of it and no URL, header or shell needs quoting.
/// Store `Token.digest`, never the text: a token has far more entropy than any dictionary, so one SHA-256 is enough, and it can be looked up by index.
package enum Token {
    /// Makes a token that carries at least that many bytes of randomness; 16 is the least that is allowed, 24 makes 33 characters.
    package static func make(prefix: String, bytes: Int = 24) -> Secret<String> {
        precondition(bytes >= 16, "a token shorter than 128 bits can be guessed")
        // log2(62) = 5.954: 8 bits of a byte need 1.3437 characters.
        let count = Int((Double(bytes) * 1.343_7).rounded(.up))
        var text = Array(prefix.utf8)
        if !text.isEmpty { text.append(UInt8(ascii: "_")) }
        let length = text.count + count
        while text.count < length {
            // 248 = 4 × 62: what is above would make the first letters likelier.
            for byte in RandomBytes.make(length - text.count) where byte < 248 { text.append(alphabet[Int(byte % 62)]) }
        }
        return Secret(String(decoding: text, as: UTF8.self))
    }

    /// What is stored and looked up: SHA-256 of the whole text, 32 bytes.
    package static func digest(_ token: String) -> [UInt8] { SHA256.hash(token) }

    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
}
