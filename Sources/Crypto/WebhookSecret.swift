internal import Bytes

/// The secret that signs one endpoint's webhooks: `whsec_` and the Base64 of 24–64 random bytes (Standard Webhooks 1.0.0).
package struct WebhookSecret: Sendable {
    let key: Secret<[UInt8]>

    /// Reads the text form.
    ///
    /// - Throws: `invalidInput` for another prefix, bad Base64 or a key shorter than 24 or longer than 64 bytes.
    package init(_ text: String) throws(CryptoError) {
        guard text.hasPrefix(WebhookSecret.prefix), let key = Base64.standard.decode(text.dropFirst(WebhookSecret.prefix.count)),
            (24...64).contains(key.count)
        else { throw CryptoError(.invalidInput, "a webhook secret is whsec_ and the Base64 of 24 to 64 bytes") }
        self.key = Secret(key)
    }

    /// Makes a new one of 32 bytes.
    package static func make() -> WebhookSecret { WebhookSecret(key: Secret(RandomBytes.make(32))) }

    /// The form that the receiver configures.
    package var text: Secret<String> { Secret(WebhookSecret.prefix + Base64.standard.encode(key.reveal)) }

    private init(key: Secret<[UInt8]>) {
        self.key = key
    }

    private static let prefix = "whsec_"
}
