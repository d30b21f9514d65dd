internal import Bytes
internal import RabbitMQ

/// The wake-up as it crosses the broker: which jobs have work waiting, each under its publish number; never a payload.
///
/// The message id and the header `publish` name the first job; the body, when there is one, names the others, a line each: id, space, number. One message
/// for one job costs the broker as much as one for sixty, so a backlog goes out in messages of many; a lone job goes out alone, at once. The header
/// `traceparent` is only on a message of one job: the ledger holds the others'.
struct WakeUpMessage: Equatable {
    struct Entry: Equatable {
        var id: Identifier
        var publish: Int64
    }

    var kind: String
    /// At least one.
    var entries: [Entry]
    var trace: String?

    func outgoing(routingKey: String) -> OutgoingMessage {
        let first = entries[0]
        var headers: [String: HeaderValue] = ["publish": .int(first.publish), "kind": .string(kind)]
        // A traceparent has 55 characters; what does not fit a frame would never go out, and block its queue.
        if let trace, entries.count == 1, trace.utf8.count <= 255 { headers["traceparent"] = .string(trace) }
        let lines = entries.dropFirst().map { "\($0.id) \($0.publish)" }.joined(separator: "\n")
        return OutgoingMessage(
            routingKey: routingKey, messageID: first.id.description, headers: headers, body: Array(lines.utf8),
            contentType: lines.isEmpty ? "" : "text/plain")
    }

    init(kind: String, entries: [Entry], trace: String? = nil) {
        self.kind = kind
        self.entries = entries
        self.trace = trace
    }

    /// Nil for a message that is none of ours; a line that is none is left out: the ledger sends its job's wake-up again.
    init?(_ delivery: Delivery) {
        guard let id = Identifier(delivery.messageID), let publish = delivery.headers["publish"]?.int else { return nil }
        kind = delivery.headers["kind"]?.string ?? ""
        trace = delivery.headers["traceparent"]?.string
        entries = [Entry(id: id, publish: publish)]
        guard !delivery.body.isEmpty else { return }
        for line in delivery.body.split(separator: UInt8(ascii: "\n")) {
            let words = line.split(separator: UInt8(ascii: " "))
            guard words.count == 2, let id = Identifier(String(decoding: words[0], as: UTF8.self)),
                let publish = Int64(String(decoding: words[1], as: UTF8.self))
            else { continue }
            entries.append(Entry(id: id, publish: publish))
        }
    }
}

extension QueueDefinition {
    /// Jobs that one message may speak of: a sixteenth of what a worker prefetches, so that a message is never a worker's whole share.
    var jobsPerMessage: Int { max(1, min(batch, prefetch / 16)) }

    /// Messages that the broker may deliver ahead of their acks, so that about `prefetch` jobs are in a worker's hands.
    var prefetchedMessages: Int { jobsPerMessage == 1 ? prefetch : max(32, prefetch / jobsPerMessage) }
}
