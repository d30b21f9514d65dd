internal import JSON

/// What a simulated subscriber has seen of one endpoint, or of all.
struct SinkTally: Sendable {
    var received = 0
    /// Answered 2xx.
    var accepted = 0
    /// Answered otherwise, left hanging or broken off.
    var refused = 0
    /// Signed by a secret that was given.
    var verified = 0
    /// Signed by none of them, or too old.
    var forged = 0
    var unsigned = 0
    /// Came again under a `webhook-id` that had been accepted.
    var duplicates = 0

    static func + (left: SinkTally, right: SinkTally) -> SinkTally {
        SinkTally(
            received: left.received + right.received, accepted: left.accepted + right.accepted, refused: left.refused + right.refused,
            verified: left.verified + right.verified, forged: left.forged + right.forged, unsigned: left.unsigned + right.unsigned,
            duplicates: left.duplicates + right.duplicates)
    }

    var json: JSONValue {
        [
            "received": .int(Int64(received)), "accepted": .int(Int64(accepted)), "refused": .int(Int64(refused)),
            "verified": .int(Int64(verified)), "forged": .int(Int64(forged)), "unsigned": .int(Int64(unsigned)),
            "duplicates": .int(Int64(duplicates)),
        ]
    }

    var text: String {
        "received \(received)  accepted \(accepted)  refused \(refused)  verified \(verified)  forged \(forged)  unsigned \(unsigned)  "
            + "duplicates \(duplicates)"
    }
}
