/// The book-keeping of publisher confirms for one batch: which message waits for which sequence number.
///
/// Confirms come in any order and may speak for all earlier ones (`multiple`). A message without a route is returned *and then confirmed*, and the return carries
/// no number: it is matched by route and message id, going forward, because returns come in the order of publishing.
struct ConfirmWindow {
    /// The sequence number of the first message sent.
    let first: UInt64
    /// By index of the message; nil while it is not settled.
    private(set) var outcomes: [PublishOutcome?]
    /// Sent and not settled by ack or nack.
    private(set) var outstanding = 0
    /// The index of each sent message, by sequence number less `first`.
    private var sent: [Int] = []
    private var acknowledged: [Bool] = []
    /// All sent before this position are acknowledged.
    private var settledBelow = 0
    /// Returns are looked for from this position on.
    private var returnedBelow = 0

    init(count: Int, first: UInt64) {
        self.first = first
        outcomes = Array(repeating: nil, count: count)
        sent.reserveCapacity(count)
        acknowledged.reserveCapacity(count)
    }

    /// The sequence number after the last one sent.
    var next: UInt64 { first + UInt64(sent.count) }

    /// Notes that the message was handed to the broker under the next number.
    mutating func send(_ index: Int) {
        sent.append(index)
        acknowledged.append(false)
        outstanding += 1
    }

    /// Notes that the message was not sent at all.
    mutating func skip(_ index: Int, _ reason: String) { outcomes[index] = .unsendable(reason) }

    /// Takes an ack or nack; numbers that were not sent in this batch are ignored.
    mutating func settle(_ tag: UInt64, multiple: Bool, as outcome: PublishOutcome) {
        // Tag 0 with multiple: everything so far (AMQP 0-9-1, basic.ack).
        let tag = multiple && tag == 0 ? next - 1 : tag
        guard tag >= first, tag < next else { return }
        let position = Int(tag - first)
        if multiple {
            while settledBelow <= position {
                settle(position: settledBelow, as: outcome)
                settledBelow += 1
            }
        } else {
            settle(position: position, as: outcome)
            while settledBelow < sent.count, acknowledged[settledBelow] { settledBelow += 1 }
        }
    }

    /// Takes a returned message; `matches` says whether the message of this index is the one.
    mutating func giveBack(code: UInt16, text: String, matches: (Int) -> Bool) {
        for position in returnedBelow..<max(returnedBelow, sent.count) where matches(sent[position]) {
            outcomes[sent[position]] = .returned(code: code, text: text)
            returnedBelow = position + 1
            return
        }
    }

    private mutating func settle(position: Int, as outcome: PublishOutcome) {
        guard !acknowledged[position] else { return }
        acknowledged[position] = true
        outstanding -= 1
        // A returned message is confirmed too; that it was returned says more.
        if outcomes[sent[position]] == nil { outcomes[sent[position]] = outcome }
    }
}
