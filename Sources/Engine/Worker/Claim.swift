internal import Bytes
internal import Clocks
internal import Postgres

/// The claim's decision: which of the rows that wake-ups speak of may be taken.
enum Claim {
    struct Selection {
        var claimable: [Identifier] = []
        /// Those of the claimable that are under a limit, and still need its leave.
        var limited: [LimitedRow] = []
        /// Must run alone.
        var suspects: [Identifier] = []
    }

    /// Takes at once what the statement can take without a closer look; in the caller's transaction, or in one of its own.
    ///
    /// Only for what a message spoke of: a row that was found by looking may be in another's hands, and is not waited for.
    ///
    /// - Returns: what was taken, and the wake-ups about which `select` has to decide.
    static func takeAtOnce(
        _ requests: [ClaimRequest], on connection: Connection, _ take: (_ ids: [Identifier], _ numbers: [Int64]) throws -> [ClaimedJob]
    ) throws -> (jobs: [ClaimedJob], rest: [ClaimRequest]) {
        guard !requests.isEmpty, requests.allSatisfy({ $0.receipt != nil }) else { return ([], requests) }
        do {
            // In order of id, as everybody locks: wake-ups that came twice, or rows that the relay marks again, are then waited for and no deadlock.
            let ordered = requests.sorted { $0.id < $1.id }
            func takeAll() throws -> [ClaimedJob] { try take(ordered.map(\.id), ordered.map(\.publish)) }
            let jobs = try connection.isInTransaction ? connection.savepoint(takeAll) : takeAll()
            let taken = Set(jobs.map(\.id))
            return (jobs, requests.filter { !taken.contains($0.id) })
        } catch let error as PostgresError {
            switch error.kind {
            // Another claim has a row or a key in hand, or is just making the key.
            case .lockTimeout, .uniqueViolation: return ([], requests)
            default: throw error
            }
        }
    }

    /// Locks the rows and decides.
    ///
    /// Runs inside the claiming transaction.
    ///
    /// A row that another claim holds is waited for up to the connection's lock timeout (3 s on a worker's lane); when that passes, the rows that are
    /// free are taken and the others left: their claim is under way elsewhere. Rows that were found by looking are not waited for: whoever holds one
    /// found it first.
    ///
    /// - Parameter waits: also for rows that were found by looking.
    static func select(
        _ requests: [ClaimRequest], allowingSuspects: Bool, waits: Bool = false, on connection: Connection
    ) throws -> Selection {
        try choose(lockRows(requests, waits: waits, on: connection), of: requests, comparingNumbers: true, allowingSuspects: allowingSuspects)
    }

    /// Locks the rows of suspects whose runs are counted already, and decides.
    ///
    /// The relay may have them in hand just now, or have given them other numbers since; who let go of one for that would let the next wake-up count another
    /// death of the same run. Where none may be taken all the same, nothing runs, and nobody dies of it.
    static func selectCounted(_ requests: [ClaimRequest], on connection: Connection) throws -> Selection {
        let rows = try lockRows(requests, waits: true, on: connection)
        let selection = try choose(rows, of: requests, comparingNumbers: false, allowingSuspects: true)
        if selection.claimable.isEmpty { _ = try connection.run(SQL.Claim.uncountDeaths, requests.map(\.id)) }
        return selection
    }

    private static func lockRows(_ requests: [ClaimRequest], waits: Bool, on connection: Connection) throws -> Rows {
        let ids = requests.map(\.id).sorted()
        if waits || requests.contains(where: { $0.receipt != nil }) {
            do {
                return try connection.savepoint { try connection.run(SQL.Claim.lockWaiting, ids) }
            } catch let error as PostgresError where error.kind == .lockTimeout {}
        }
        return try connection.run(SQL.Claim.lockWaitingUnlocked, ids)
    }

    /// Locks the waiting rows of these jobs, whatever their wake-ups say; returns those that are there.
    static func lock(_ ids: [Identifier], on connection: Connection) throws -> [Identifier] {
        try connection.run(SQL.Claim.lockWaiting, ids.sorted()).map { try $0("job_id") }
    }

    /// Puts the death on record that the run alone of a suspect may cause, if it may be claimed.
    ///
    /// - Returns: the deaths with this one; nil when the wake-up claims nothing, so that nothing runs and nobody dies of it.
    static func countDeath(_ request: ClaimRequest, on connection: Connection) throws -> Int? {
        try connection.transaction { connection in
            guard let id = try select([request], allowingSuspects: true, on: connection).claimable.first else { return nil }
            return try connection.run(SQL.Claim.countDeath, id).first?("deaths")
        }
    }

    /// Looks for due rows of a queue while the broker is away, in the relay's order, whether their wake-ups were sent or not: it may have taken them with it.
    static func look(queue: String, limit: Int, picker: inout OutboxPicker, on connection: Connection) throws -> [ClaimRequest] {
        let paused: [String] = try connection.run(SQL.Relay.lookAround, 1000, false).only()("paused")
        guard !paused.contains(queue) else { return [] }
        return try picker.pick(queue: queue, slots: limit, on: connection).map {
            ClaimRequest(id: try $0("job_id"), publish: try $0("publish"), kind: try $0("kind"))
        }
    }

    private static func choose(
        _ rows: Rows, of requests: [ClaimRequest], comparingNumbers: Bool, allowingSuspects: Bool
    ) throws -> Selection {
        let numbers = Dictionary(requests.map { ($0.id, $0.publish) }, uniquingKeysWith: Swift.max)
        var selection = Selection()
        for row in rows {
            let id: Identifier = try row("job_id")
            let publish: Int64 = try row("publish")
            let due: Bool = try row("due")
            let paused: Bool = try row("paused")
            let suspect: Bool = try row("suspect")
            guard numbers[id] == publish || !comparingNumbers, due, !paused else { continue }
            if suspect, !allowingSuspects {
                selection.suspects.append(id)
                continue
            }
            selection.claimable.append(id)
            if let key: String = try row("limit_key") {
                selection.limited.append(LimitedRow(id: id, key: key, isGated: try row("gated"), rank: try row("rank")))
            }
        }
        return selection
    }
}
