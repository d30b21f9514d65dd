internal import Bytes
internal import Synchronization

/// What a task asks of the loop: a transfer, or only the judgement of a URL.
///
/// It crosses from the task to the loop's thread and is answered exactly once.
struct Order: Sendable {
    enum Work: Sendable {
        case transfer(ClientRequest)
        case check
    }

    enum Success: Sendable {
        case response(ClientResponse)
        case allowed
    }

    typealias Answer = Result<Success, HTTPClientError>

    let ticket: Ticket
    let url: GuardedURL
    let work: Work
    let destination: ClientRequest.Destination
    /// Monotonic nanoseconds, as the deadline is.
    let started: Int64
    let deadline: Int64
    let answer: @Sendable (Answer) -> Void

    init(
        ticket: Ticket, url: GuardedURL, work: Work, destination: ClientRequest.Destination, timeout: Duration,
        answer: @escaping @Sendable (Answer) -> Void
    ) {
        self.ticket = ticket
        self.url = url
        self.work = work
        self.destination = destination
        started = monotonicNanoseconds()
        deadline = started + timeout.nanoseconds
        self.answer = answer
    }
}

/// Names an order and carries the news of its cancellation ahead of the mailbox.
final class Ticket: Sendable {
    private static let last = Atomic<UInt64>(0)

    let id = Ticket.last.add(1, ordering: .relaxed).newValue
    let isCancelled = Atomic<Bool>(false)
}

extension Duration {
    /// Whole nanoseconds between nothing and a year; beyond that nobody means a time.
    var nanoseconds: Int64 {
        let bounded = min(max(self, .zero), .seconds(365 * 86_400))
        return bounded.components.seconds * 1_000_000_000 + bounded.components.attoseconds / 1_000_000_000
    }
}
