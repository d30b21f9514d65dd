internal import Bytes
internal import Clocks
internal import Postgres

/// Finds wake-ups that nobody claimed, and lets them be sent again.
///
/// The outbox has no index of what was sent, since that would cost each job two entries. What is sent stands at the head of the flows, so a look at everything
/// that is ready finds it; each round goes a stretch further, and begins anew at the end. A queue of five thousand is seen whole in each round, one of a
/// million in two hundred. Under an old snapshot a round has to walk over everything that was claimed since: then the rounds come further apart.
struct Resender {
    private static let stretch = 5000
    private static let start = (queue: "", rank: Int16.min, account: Identifier.zero, publish: Int64(0))

    private let after: Duration
    private var position = Self.start
    private var next: Int64 = 0

    /// - Parameter after: how long a wake-up is given the first time; then twice as long, and so on.
    init(after: Duration) { self.after = after }

    /// - Parameter now: monotonic nanoseconds.
    /// - Returns: how many are sent again.
    mutating func round(_ connection: Connection, now: Int64 = monotonicNanoseconds()) throws -> Int {
        guard now >= next else { return 0 }
        let began = monotonicNanoseconds()
        defer { next = now + 50 * (monotonicNanoseconds() - began) }
        let row = try connection.run(
            SQL.Maintenance.resend, Double(after.microseconds) / 1e6, position.queue, position.rank, position.account, position.publish, Self.stretch
        ).first
        guard let row, try row("seen") == Self.stretch else {
            position = Self.start
            return try row?("again") ?? 0
        }
        position = (try row("queue"), try row("rank"), try row("account_id"), try row("publish"))
        return try row("again")
    }
}
