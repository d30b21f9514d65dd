/// How many batches, or leased jobs, a queue's worker has in hand at most: between the definition's least and most, by lag.
///
/// It grows while work waits for room for longer than a moment, quickly, because somebody waits; it shrinks while less is used than allowed, slowly, because
/// nothing is lost by that. So an idle queue leaves the database to the busy ones. Pure: the runner brings the time.
struct ConcurrencyLimit: Sendable {
    let minimum: Int
    let maximum: Int
    private(set) var current: Int
    private var waitingSince: Int64?
    private var roomySince: Int64?

    /// Work that has waited this long for room gets more of it.
    static let lag = Duration.milliseconds(20)
    /// Room that nobody used for this long is given up.
    static let calm = Duration.seconds(10)

    init(minimum: Int, maximum: Int) {
        self.minimum = min(minimum, maximum)
        self.maximum = maximum
        current = self.minimum
    }

    /// More could be allowed if work goes on waiting.
    var canGrow: Bool { current < maximum }

    /// Notes whether work waits for room, and how much is in use; monotonic nanoseconds.
    mutating func observe(isWaiting: Bool, inUse: Int, now: Int64) {
        if isWaiting {
            roomySince = nil
            guard let since = waitingSince, canGrow else { return waitingSince = now }
            guard now - since >= Self.lag.nanoseconds else { return }
            current = min(maximum, current + max(1, current / 2))
            waitingSince = now
        } else {
            waitingSince = nil
            guard inUse < current, current > minimum else { return roomySince = nil }
            guard let since = roomySince else { return roomySince = now }
            guard now - since >= Self.calm.nanoseconds else { return }
            current = max(minimum, inUse, current - max(1, current / 4))
            roomySince = now
        }
    }
}
