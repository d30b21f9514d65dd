internal import Bytes
internal import Postgres

/// Picks the ready rows of a queue that go next, in fair order.
///
/// The relay picks what it publishes; a worker without a broker picks what it claims itself.
struct OutboxPicker: Sendable {
    private let agingStep: Double
    private let includingSent: Bool
    /// Whether what others have in hand is left out, at the price of a lock for each row.
    var skipsLocked: Bool
    private var pickers: [String: FlowPicker] = [:]
    private var lastFlow: [String: Flow] = [:]
    private var known: [String: Known] = [:]
    private var cursors: [String: Cursors] = [:]

    /// Where each flow of a queue goes on.
    ///
    /// Everything in front of it that is gone would be walked over at each turn: under an old snapshot, all that ever was. A row that becomes ready in front of
    /// it, as a retry does, is seen after the next return to the beginning: with the next look, where that is not dear.
    private struct Cursors {
        var last: [Flow: Identifier] = [:]
        let began: Int64
        /// How long it took to go over the beginnings of the flows, each when its turn came.
        var spent: Int64 = 0
    }

    /// What a look at a queue found.
    private struct Known {
        /// Those that had rows; none when nothing was left to send.
        var flows: [Flow]
        var until: Int64
        /// The look had to walk over much that is gone, or sent and not claimed: it is not repeated before its time, whatever is left over.
        var wasDear = false
        /// From which id on what is new has not been looked at, and when that is done.
        var newsFrom = Identifier.zero
        var nextNews: Int64 = 0
    }

    /// A flow that is new to a queue with a backlog waits no longer than this for its first turn; or five times as long as looking takes, so that no more
    /// than a sixth of the time goes into looking.
    private static let memory = Duration.milliseconds(5)

    /// A look that took longer is dear.
    ///
    /// There are many flows, and no more than a tenth of the time goes into it; one that took ten times as long is so because of an old snapshot: a twentieth.
    private static let dear = Duration.milliseconds(2)

    /// The longest rest, where looking itself does not take long: what comes back with an old id, as a retry does, is not seen before its end.
    private static let longest = Duration.seconds(3)

    /// How long to rest after something that took so long.
    private static func rest(after took: Int64) -> Int64 {
        if took <= dear.nanoseconds { return max(memory.nanoseconds, 5 * took) }
        return min((took > 10 * dear.nanoseconds ? 20 : 10) * took, max(longest.nanoseconds, 5 * took))
    }

    /// Milliseconds before the last look from which on new jobs are looked for: clocks differ, and transactions take their time.
    private static let margin: Int64 = 300

    /// - Parameters:
    ///   - includingSent: also rows whose wake-ups were sent.
    ///   - skipsLocked: not rows that others have in hand.
    init(agingStep: Duration = .seconds(30), includingSent: Bool = false, skipsLocked: Bool = false) {
        self.includingSent = includingSent
        self.skipsLocked = skipsLocked
        self.agingStep = max(Double(agingStep.nanoseconds) / 1e9, 0.001)
    }

    /// Up to `slots` rows with `job_id`, `publish`, `kind` and `trace`: all when they fit, otherwise each flow's share.
    mutating func pick(queue: String, slots: Int, on connection: Connection) throws -> [Row] {
        let now = monotonicNanoseconds()
        // With a backlog the list of flows changes little from one turn to the next, and each look costs a descent for each flow.
        var flows: [Flow]
        if let known = known[queue], now < known.until {
            flows = try known.wasDear ? news(of: queue, at: now, on: connection) : known.flows
            if flows.isEmpty { return [] }
        } else {
            known[queue] = nil
            // Not by picking one more than there is room for: a plan that sorts would sort the whole backlog.
            let ready: Int = try connection.run(SQL.Relay.readyCount, queue, slots + 1, includingSent).only()("count")
            if ready <= slots {
                pickers[queue]?.forget()
                cursors[queue] = nil
                let rows = try Array(connection.run(skipsLocked ? SQL.Relay.pickAnyFree : SQL.Relay.pickAny, queue, slots, includingSent))
                note([], of: queue, lookedAt: now)
                return rows
            }
            flows = try self.flows(of: queue, on: connection)
            note(flows, of: queue, lookedAt: now)
        }
        var picked: [Row] = []
        var place = cursors[queue] ?? Cursors(began: now)
        if now - place.began > min(Self.rest(after: place.spent), Self.longest.nanoseconds) { place = Cursors(began: now) }
        var ended: Set<Flow> = []
        try pickers[queue, default: FlowPicker(agingStep: agingStep)].pick(flows: flows, slots: slots, now: Double(now) / 1e9) { shares in
            let isFromBeginning = shares.contains { place.last[$0.flow] == nil }
            let began = monotonicNanoseconds()
            let rows = try connection.run(
                skipsLocked ? SQL.Relay.pickFlowsFree : SQL.Relay.pickFlows, queue, shares.map { Int16(-$0.flow.priority) },
                shares.map(\.flow.accountID),
                shares.map { place.last[$0.flow] ?? .zero }, shares.map { Int64($0.rows) }, includingSent)
            if isFromBeginning { place.spent += monotonicNanoseconds() - began }
            var taken = Array(repeating: 0, count: shares.count)
            for row in rows {
                let turn: Int = try row("turn")
                taken[turn - 1] += 1
                place.last[shares[turn - 1].flow] = try row("job_id")
                picked.append(row)
            }
            for (share, taken) in zip(shares, taken) where taken < share.rows { ended.insert(share.flow) }
            return taken
        }
        cursors[queue] = place
        if !ended.isEmpty { known[queue]?.flows.removeAll { ended.contains($0) } }
        // What came meanwhile may fill what was left over.
        if known[queue]?.wasDear == false, picked.count < slots || known[queue]?.flows.isEmpty == true { known[queue] = nil }
        return picked
    }

    private mutating func note(_ flows: [Flow], of queue: String, lookedAt began: Int64) {
        let took = monotonicNanoseconds() - began
        let wasDear = took > Self.dear.nanoseconds
        if !wasDear { cursors[queue] = nil }
        guard wasDear || !flows.isEmpty else { return }
        known[queue] = Known(
            flows: flows, until: began + Self.rest(after: took), wasDear: wasDear, newsFrom: .first(at: wallMicroseconds() / 1000 - Self.margin))
    }

    /// Adds to the flows of a dear look those that got new rows since: new rows have new ids, so the index of ids leads to them past everything that is gone.
    private mutating func news(of queue: String, at now: Int64, on connection: Connection) throws -> [Flow] {
        guard var known = known[queue] else { return [] }
        guard now >= known.nextNews else { return known.flows }
        let from = Identifier.first(at: wallMicroseconds() / 1000 - Self.margin)
        let found = try connection.run(SQL.Relay.newFlows, queue, known.newsFrom, includingSent).map { try Flow($0) }
        let present = Set(known.flows)
        known.flows += found.filter { !present.contains($0) }
        known.newsFrom = from
        known.nextNews = now + 5 * (monotonicNanoseconds() - now)
        self.known[queue] = known
        return known.flows
    }

    /// Whether the queue is left alone for a moment; what is new in it is seen then.
    func rests(_ queue: String) -> Bool { known[queue].map { $0.flows.isEmpty && monotonicNanoseconds() < $0.until } ?? false }

    /// The flows of a queue; of more than `limit` flows, the next ones after those looked at before, and from the beginning again.
    private mutating func flows(of queue: String, on connection: Connection, limit: Int = 2000) throws -> [Flow] {
        func scan(after flow: Flow?) throws -> [Flow] {
            try connection.run(
                SQL.Relay.flows, queue, Int16(flow.map { -$0.priority } ?? -100), flow?.accountID ?? .zero, limit
            ).map { try Flow($0) }
        }
        var flows = try scan(after: lastFlow[queue])
        if lastFlow[queue] != nil, flows.count < limit {
            let known = Set(flows)
            flows += try scan(after: nil).filter { !known.contains($0) }.prefix(limit - flows.count)
            lastFlow[queue] = nil
        } else {
            lastFlow[queue] = flows.count == limit ? flows.last : nil
        }
        return flows
    }
}

extension Flow {
    /// From a row with `rank` and `account_id`.
    fileprivate init(_ row: Row) throws {
        self.init(priority: -Int(try row("rank") as Int16), accountID: try row("account_id"))
    }
}

extension Identifier {
    /// Sorts before every one that was made at this time or later; milliseconds since 1970.
    static func first(at milliseconds: Int64) -> Identifier { Identifier(high: UInt64(max(milliseconds, 0)) << 16, low: 0) }

    /// Sorts before every other.
    static let zero = Identifier(high: 0, low: 0)
}
