internal import Bytes
internal import Postgres
internal import Telemetry

/// Removes what claims leave behind in the outbox: dead rows, and their entries in the index that the relay walks through.
///
/// Autovacuum comes once a minute unless the server is told otherwise; at some hundred jobs a second that leaves tens of thousands of dead entries between
/// the relay and the next job. A large outbox is vacuumed less often; where an old snapshot keeps the dead, it is in vain, and waits for longer and longer.
struct OutboxVacuum {
    private static let interval: Int64 = 2_000_000_000
    private static let longest: Int64 = 60_000_000_000

    private var next: Int64 = 0
    private var pause = Self.interval

    mutating func round(_ connection: Connection) throws {
        let now = monotonicNanoseconds()
        guard now >= next else { return }
        next = now + pause
        let row = try connection.run(SQL.Maintenance.deadWaiting).only()
        let (dead, live): (Int, Int) = (try row("dead"), try row("live"))
        guard dead >= max(500, live / 50) else { return }
        var wasInVain = true
        defer {
            let took = monotonicNanoseconds() - now
            pause = wasInVain ? min(2 * pause, Self.longest) : Self.interval
            next = now + took + Pace.rest(after: took, least: pause)
        }
        // In small steps, between which others get the processor: 25 ms in one go, every two seconds, are what the slowest hundredth of the jobs waits for.
        try connection.script("set vacuum_cost_delay = '1ms'; set vacuum_cost_limit = 200")
        try connection.script("vacuum (skip_locked, index_cleanup on, truncate off) outbox")
        let left: Int = try connection.run(SQL.Maintenance.deadWaiting).only()("dead")
        wasInVain = left > dead / 2
    }
}
