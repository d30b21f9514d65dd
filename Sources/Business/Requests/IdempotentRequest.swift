package import Bytes
internal import Crypto

/// A request that carries an `Idempotency-Key`: what it is recognised by.
package struct IdempotentRequest: Sendable {
    let key: String
    let method: String
    let path: String
    let bodyHash: [UInt8]
    let account: Identifier

    package static let longestKey = 255
    private static let longestPath = 300

    /// - Parameters:
    ///   - path: with the query, as it came; a very long one is recognised by its hash.
    /// - Throws: `invalid_idempotency_key` for an empty key, one of more than 255 characters, or one with anything but visible ASCII and spaces.
    package init(key: String, method: String, path: String, body: [UInt8], account: Identifier) throws(BusinessError) {
        guard (1...Self.longestKey).contains(key.utf8.count), key.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw BusinessError(
                .invalid, "invalid_idempotency_key", "An Idempotency-Key has 1 to \(Self.longestKey) visible ASCII characters.",
                field: "Idempotency-Key")
        }
        self.key = key
        self.method = method
        // The path is a column of an index, which takes 2.7 kB at most.
        self.path = path.utf8.count <= Self.longestPath ? path : "sha256:" + Hex.encode(SHA256.hash(path))
        bodyHash = SHA256.hash(body)
        self.account = account
    }
}

/// An answer to an idempotent request: made now, or made earlier and given again.
package struct StoredResponse: Sendable {
    package var status: Int
    package var body: [UInt8]
    package var contentType: String
    package var location: String?
    /// It is the answer of an earlier request with the same key.
    package var replayed = false
    /// What a replay gets instead of `body`, for an answer that shows a secret once: the record must not keep it.
    package var replayBody: [UInt8]?

    package init(status: Int, body: [UInt8], contentType: String, location: String? = nil, replayBody: [UInt8]? = nil) {
        self.status = status
        self.body = body
        self.contentType = contentType
        self.location = location
        self.replayBody = replayBody
    }

    var isSuccess: Bool { (200...299).contains(status) }
}
