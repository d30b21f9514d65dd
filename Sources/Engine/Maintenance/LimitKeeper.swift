internal import Bytes
internal import Postgres
internal import Telemetry

/// The net under the limits: lets parked jobs through that nobody else will, forgets keys that are idle, and says so when jobs run that
/// their key does not count.
///
/// It is not the normal way: a permit that is given back lets the next job through itself. What is left for here are limits that were raised or taken away,
/// a crash just after an atomic commit, and parked jobs whose forerunners were cancelled.
struct LimitKeeper {
    let ledger: Ledger
    let log: Logger
    /// Keys of one round; the next one goes on after them.
    private let limit = 500
    private var last = ""

    init(ledger: Ledger, log: Logger) {
        self.ledger = ledger
        self.log = log
    }

    mutating func round(_ connection: Connection) throws {
        let keys: [String] = try connection.run(SQL.Limits.parkedKeys, last, limit).map { try $0("key") }
        last = keys.count < limit ? "" : keys.last ?? ""
        if !keys.isEmpty { try ledger.lookAgain(keys, on: connection) }
    }

    func keepHouse(_ connection: Connection) throws {
        var last: String? = ""
        while let from = last { last = try connection.run(SQL.Limits.forgetIdle, from, 5000).only()("last") }
        for drift in try ledger.limitDrift(on: connection) {
            log.error("jobs run that their limit does not count", ["key": drift.key, "jobs": "\(drift.unlisted)"])
        }
    }
}
