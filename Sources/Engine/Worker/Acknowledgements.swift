internal import RabbitMQ

/// The acknowledgements of one subscription, a few together: each that the broker takes is an entry in the log of a quorum queue, and one may speak of all
/// messages up to its own.
struct Acknowledgements {
    struct Order: Hashable {
        var tag: DeliveryTag
        /// Also all that were delivered before it.
        var isMultiple: Bool
    }

    /// Nobody waits for an acknowledgement but the broker, which sends no more than so many messages ahead.
    private static let patience: Int64 = 10_000_000

    /// Messages that may be done with before it is worth an acknowledgement at once.
    private let most: Int
    /// In the order in which they came.
    private var inHand: [DeliveryTag] = []
    private var done: Set<DeliveryTag> = []
    /// Since when one is done with (monotonic nanoseconds).
    private var since: Int64?

    /// - Parameter prefetch: messages that are delivered and not acknowledged, at most.
    init(prefetch: Int) { most = max(1, prefetch / 4) }

    mutating func delivered(_ tag: DeliveryTag) { inHand.append(tag) }

    mutating func finished(_ tag: DeliveryTag, now: Int64) {
        done.insert(tag)
        if since == nil { since = now }
    }

    /// How long the oldest may still wait, nanoseconds; nil when there is none.
    func wait(now: Int64) -> Int64? { since.map { done.count >= most ? 0 : max(0, $0 + Self.patience - now) } }

    /// All that are done with, as few orders as they can be said in.
    mutating func take() -> [Order] {
        guard !done.isEmpty else { return [] }
        var orders: [Order] = []
        let first = inHand.firstIndex { !done.contains($0) } ?? inHand.count
        if first > 0 { orders.append(Order(tag: inHand[first - 1], isMultiple: first > 1)) }
        for tag in inHand[first...] where done.contains(tag) { orders.append(Order(tag: tag, isMultiple: false)) }
        inHand = inHand[first...].filter { !done.contains($0) }
        (done, since) = ([], nil)
        return orders
    }
}
