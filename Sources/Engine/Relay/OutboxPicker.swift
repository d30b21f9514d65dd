internal import Bytes
internal import Postgres

/// Picks the ready rows of a queue that go next, in fair order.
///
/// The relay picks what it publishes; a worker without a broker picks what it claims itself.
///
/// What was claimed stays in the index until a vacuum comes, and under an old snapshot for as long as that is open; a look from the beginning walks over all of
/// it. Where that is dear, the picker looks beside the flows that it knows and behind what it has taken of each: rows become ready with growing numbers.
struct OutboxPicker: Sendable {
    private let agingStep: Double
    private let includingSent: Bool
    /// A look that took longer (nanoseconds) is dear.
    ///
    /// There are many flows, or there is an old snapshot. No more than a tenth of the time goes into it.
    private let dear: Int64
    /// Flows of one look.
    private let most: Int
    /// Whether what others have in hand is left out, at the price of a lock for each row.
    var skipsLocked: Bool {
        // What was passed over would not be looked at again.
        didSet { if skipsLocked != oldValue { (looks, places) = ([:], [:]) } }
    }
    private var pickers: [String: FlowPicker] = [:]
    private var looks: [String: Look] = [:]
    private var places: [String: Places] = [:]

    /// What a look at a queue found.
    private struct Look {
        /// Those that had rows; none when nothing was left to send.
        var flows: [Flow]
        var until: Int64
        /// The look had to walk over much that is gone, or sent and not claimed: it is not repeated before its time, whatever is left over.
        var wasDear = false
        /// From which id on what is new has not been looked at, and when that is done.
        var newsFrom = Identifier.zero
        var nextNews: Int64 = 0
    }

    /// Where the flows of a queue go on.
    fileprivate struct Places {
        /// The number up to which each flow was looked through, and nothing of it can appear any more.
        var last: [Flow: Int64] = [:]
        /// Looks from the beginning that were dear, one after the other; a very dear one counts twice.
        var dearLooks = 0
        /// Until when looking from the beginning would be dear.
        var dearUntil: Int64 = 0
        /// Where there are more flows than one look takes: the last one that was looked at.
        var lastFlow: Flow?
    }

    /// A flow that is new to a queue with a backlog waits no longer than this for its first turn; or five times as long as looking takes, so that no more
    /// than a sixth of the time goes into looking.
    private static let memory = Duration.milliseconds(5)

    /// A net under the numbers: for a row that somebody had in hand when its flow was passed, and then let go of.
    private static let net = Duration.seconds(30)

    /// Flows of a queue that are known, at most: those that have rows, and those that had some.
    private static let remembered = 50_000

    /// How long to rest after something that took so long.
    private func rest(after took: Int64) -> Int64 { max(Self.memory.nanoseconds, (took > dear ? 10 : 5) * took) }

    /// Milliseconds before the last look from which on new jobs are looked for: clocks differ, and transactions take their time.
    private static let margin: Int64 = 300

    /// - Parameters:
    ///   - includingSent: also rows whose wake-ups were sent.
    ///   - skipsLocked: not rows that others have in hand.
    init(
        agingStep: Duration = .seconds(30), includingSent: Bool = false, skipsLocked: Bool = false, dear: Duration = .milliseconds(2),
        most: Int = 2000
    ) {
        self.dear = dear.nanoseconds
        self.most = most
        self.includingSent = includingSent
        self.skipsLocked = skipsLocked
        self.agingStep = max(Double(agingStep.nanoseconds) / 1e9, 0.001)
    }

    /// Up to `slots` rows with `job_id`, `publish`, `kind`, `trace`, `rank` and `account_id`: all when they fit, otherwise each flow's share.
    ///
    /// - Parameter settled: the number up to which nothing could appear any more, before this; without it, what appears late is found when the flows are looked
    ///   through from their beginning again.
    mutating func pick(queue: String, slots: Int, settled: Int64 = .max, on connection: Connection) throws -> [Row] {
        let now = monotonicNanoseconds()
        let flows: [Flow]
        if let look = looks[queue], now < look.until {
            // With a backlog the list of flows changes little from one turn to the next, and each look costs a descent for each flow.
            flows = look.wasDear ? try news(of: queue, at: now, on: connection) : look.flows
        } else if isDear(queue), let place = places[queue] {
            flows = try lookBeside(place, of: queue, settled: settled, at: now, on: connection)
        } else {
            let rows = try Array(connection.run(skipsLocked ? SQL.Relay.pickAnyFree : SQL.Relay.pickAny, queue, Int64(slots), includingSent))
            let count: Int = try rows.first?("count") ?? 0
            if count <= slots {
                pickers[queue]?.forget()
                looked(at: queue, finding: [], from: now)
                if count == 0 { return [] }
                // All that are counted may be in others' hands: then there is one row, with the count alone.
                let free = try rows.filter { try $0("job_id") as Identifier? != nil }
                if places[queue] != nil { for row in free { places[queue]?.last[try Flow(row)] = min(try row("publish"), settled) } }
                return free
            }
            flows = try look(at: queue, settled: settled, from: now, on: connection)
        }
        return flows.isEmpty ? [] : try takeTurns(flows, of: queue, slots: slots, settled: settled, at: now, on: connection)
    }

    /// Rows that were picked and not sent are picked again.
    mutating func stepBack(_ rows: [Row], in queue: String) throws {
        for row in rows { places[queue]?.stepBack(try Flow(row), before: try row("publish")) }
    }

    /// Whether looking from the beginning is dear for now, so that flows are looked for beside those that are known.
    func isDear(_ queue: String) -> Bool { places[queue].map { monotonicNanoseconds() < $0.dearUntil } ?? false }

    /// Whether a pick goes by a look that was dear: what it did not see is found by its id, or when its time is over.
    func remembers(_ queue: String) -> Bool { looks[queue].map { $0.wasDear && monotonicNanoseconds() < $0.until } ?? false }

    /// Whether the queue is left alone for a moment; what is new in it is seen then.
    func rests(_ queue: String) -> Bool { looks[queue].map { $0.flows.isEmpty && monotonicNanoseconds() < $0.until } ?? false }

    private mutating func takeTurns(
        _ flows: [Flow], of queue: String, slots: Int, settled: Int64, at now: Int64, on connection: Connection
    ) throws -> [Row] {
        var picked: [Row] = []
        var place = places[queue] ?? Places()
        // A flow may have several turns before what was picked in the first is marked.
        var taken: [Flow: Int64] = [:]
        var ended: Set<Flow> = []
        try pickers[queue, default: FlowPicker(agingStep: agingStep)].pick(flows: flows, slots: slots, now: Double(now) / 1e9) { shares in
            let rows = try connection.run(
                skipsLocked ? SQL.Relay.pickFlowsFree : SQL.Relay.pickFlows, queue, shares.map(\.flow.rank),
                shares.map(\.flow.accountID), shares.map { taken[$0.flow] ?? place.last[$0.flow] ?? 0 }, shares.map { Int64($0.rows) },
                includingSent)
            var counts = Array(repeating: 0, count: shares.count)
            for row in rows {
                let turn: Int = try row("turn")
                counts[turn - 1] += 1
                taken[shares[turn - 1].flow] = try row("publish")
                picked.append(row)
            }
            for (share, count) in zip(shares, counts) where count < share.rows { ended.insert(share.flow) }
            return counts
        }
        for (flow, number) in taken { place.last[flow] = min(number, settled) }
        places[queue] = place
        if !ended.isEmpty { looks[queue]?.flows.removeAll { ended.contains($0) } }
        // What came meanwhile may fill what was left over.
        if looks[queue]?.wasDear == false, picked.count < slots || looks[queue]?.flows.isEmpty == true { looks[queue] = nil }
        return picked
    }
}

// MARK: - Looking for flows

extension OutboxPicker {
    /// All flows of a queue; of more than `most`, the next ones after those looked at before, and from the beginning again.
    private mutating func look(at queue: String, settled: Int64, from began: Int64, on connection: Connection) throws -> [Flow] {
        func scan(after flow: Flow?, limit: Int) throws -> [(flow: Flow, first: Int64)] {
            try connection.run(SQL.Relay.flows, queue, flow?.rank ?? .min, flow?.accountID ?? .zero, limit).map {
                (try Flow($0), try $0("publish"))
            }
        }
        let last = places[queue]?.lastFlow
        var found = try scan(after: last, limit: most)
        let isEnd = found.count < most
        if last != nil, isEnd {
            let known = Set(found.map(\.flow))
            found += try scan(after: nil, limit: most).filter { !known.contains($0.flow) }.prefix(most - found.count)
        }
        looked(at: queue, finding: found.map(\.flow), from: began)
        places[queue, default: Places()].lastFlow = last == nil && !isEnd ? found.last?.flow : nil
        if (places[queue]?.last.count ?? 0) > Self.remembered { places[queue]?.last = [:] }
        for (flow, first) in found { places[queue]?.last[flow] = min(first - 1, settled) }
        return found.map(\.flow)
    }

    /// The flows beside those that are known, and those of the known ones that have rows behind what was taken of them; of many, the next stretch.
    private mutating func lookBeside(_ place: Places, of queue: String, settled: Int64, at now: Int64, on connection: Connection) throws -> [Flow] {
        let known = Array(place.last.keys.sorted().drop { flow in place.lastFlow.map { flow <= $0 } ?? false }.prefix(most))
        let isEnd = known.count < most
        let gaps = FlowGaps(between: known, after: place.lastFlow, isOpen: isEnd)
        let found = try connection.run(
            SQL.Relay.flowsBeside, queue, known.map(\.rank), known.map(\.accountID), known.map { place.last[$0] ?? 0 },
            gaps.accounts.map(\.rank), gaps.accounts.map(\.from), gaps.accounts.map(\.to), gaps.ranks.map(\.from), gaps.ranks.map(\.to), most
        ).map { (flow: try Flow($0), first: try $0("publish") as Int64) }
        looked(at: queue, finding: found.map(\.flow), from: now, isBeside: true)
        places[queue]?.lastFlow = isEnd ? nil : known.last
        // Those of the known ones that were not found have nothing.
        let firsts = Dictionary(found.map { ($0.flow, $0.first) }) { first, _ in first }
        for flow in known + found.map(\.flow) {
            places[queue]?.last[flow] = max(place.last[flow] ?? 0, min((firsts[flow] ?? .max) - 1, settled))
        }
        return found.map(\.flow)
    }

    /// Notes what a look found, and how long it is good enough.
    private mutating func looked(at queue: String, finding flows: [Flow], from began: Int64, isBeside: Bool = false) {
        let took = monotonicNanoseconds() - began
        let wasDear = took > dear
        if !isBeside, wasDear {
            var place = places[queue] ?? Places()
            // A single one may have waited for a processor.
            place.dearLooks += took > 10 * dear ? 2 : 1
            // Who works without a broker, or passes over what others have in hand, cannot rely on the numbers.
            if place.dearLooks >= 3, !includingSent, !skipsLocked { place.dearUntil = began + max(Self.net.nanoseconds, 50 * took) }
            places[queue] = place
        } else if !isBeside {
            places[queue] = nil
        }
        looks[queue] =
            wasDear || !flows.isEmpty
            ? Look(
                flows: flows, until: began + rest(after: took), wasDear: wasDear, newsFrom: .first(at: wallMicroseconds() / 1000 - Self.margin))
            : nil
    }

    /// Adds to the flows of a dear look those that got new rows since: new rows have new ids, so the index of ids leads to them past everything that is gone.
    private mutating func news(of queue: String, at now: Int64, on connection: Connection) throws -> [Flow] {
        guard var look = looks[queue] else { return [] }
        guard now >= look.nextNews else { return look.flows }
        let from = Identifier.first(at: wallMicroseconds() / 1000 - Self.margin)
        let found = try connection.run(SQL.Relay.newFlows, queue, look.newsFrom, includingSent).map { try Flow($0) }
        let present = Set(look.flows)
        look.flows += found.filter { !present.contains($0) }
        look.newsFrom = from
        look.nextNews = now + 5 * (monotonicNanoseconds() - now)
        looks[queue] = look
        return look.flows
    }
}

extension OutboxPicker.Places {
    fileprivate mutating func stepBack(_ flow: Flow, before number: Int64) {
        if let place = last[flow] { last[flow] = min(place, number - 1) }
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
}
