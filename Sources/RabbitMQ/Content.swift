/// A message as it comes in pieces on one channel: method, header, body frames.
///
/// Fed frame by frame, it says when the whole is there.
/// The pieces of one message never mix with another's on the same channel (AMQP 0-9-1, section 4.2.6), but a read may end between any two of them, so the
/// half message waits here, not in a loop that would have to block.
struct Content: Equatable {
    /// The `deliver` or `returned` frame that opened it.
    let opening: Frame
    private(set) var properties = Frame.Properties()
    private(set) var body: [UInt8] = []
    private var missing: UInt64?

    init(_ opening: Frame) { self.opening = opening }

    /// Takes the next piece; true when the message is complete.
    mutating func take(_ frame: Frame) -> Bool {
        switch frame {
        case .header(let properties, let bodyBytes):
            self.properties = properties
            missing = bodyBytes
            return bodyBytes == 0
        case .body(let fragment):
            guard let missing else { return false }
            if body.isEmpty { body = fragment } else { body += fragment }
            let rest = missing - min(missing, UInt64(fragment.count))
            self.missing = rest
            return rest == 0
        default: return false
        }
    }
}
