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

    /// The flows that a queue had at the last look; none when nothing was left to send.
    private struct Known {
        var flows: [Flow]
        /// Where each flow goes on.
        ///
        /// Under an old snapshot, everything in front of it that is gone would be walked over at each turn. A row that becomes ready in front of it is seen at
        /// the next look.
        var last: [Flow: Identifier] = [:]
        var until: Int64
    }

    /// A flow that is new to a queue with a backlog waits no longer than this for its first turn; or five times as long as looking takes, so that no more
    /// than a sixth of the time goes into looking.
    private static let memory = Duration.milliseconds(5)

    /// A look that took longer is not repeated at once for the few rows that may have come since.
    private static let dear = Duration.milliseconds(2)

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
            if known.flows.isEmpty { return [] }
            flows = known.flows
        } else {
            known[queue] = nil
            // Not by picking one more than there is room for: a plan that sorts would sort the whole backlog.
            let ready: Int = try connection.run(SQL.Relay.readyCount, queue, slots + 1, includingSent).only()("count")
            if ready <= slots {
                pickers[queue]?.forget()
                let rows = try Array(connection.run(skipsLocked ? SQL.Relay.pickAnyFree : SQL.Relay.pickAny, queue, slots, includingSent))
                let took = monotonicNanoseconds() - now
                // It had to walk over many that are sent and not claimed.
                if took > Self.dear.nanoseconds, rows.count < slots { known[queue] = Known(flows: [], until: now + 5 * took) }
                return rows
            }
            flows = try self.flows(of: queue, on: connection)
            let took = monotonicNanoseconds() - now
            known[queue] = Known(flows: flows, until: now + max(Self.memory.nanoseconds, 5 * took))
        }
        var picked: [Row] = []
        var last = known[queue]?.last ?? [:]
        var ended: Set<Flow> = []
        try pickers[queue, default: FlowPicker(agingStep: agingStep)].pick(flows: flows, slots: slots, now: Double(now) / 1e9) { shares in
            let rows = try connection.run(
                skipsLocked ? SQL.Relay.pickFlowsFree : SQL.Relay.pickFlows, queue, shares.map { Int16(-$0.flow.priority) },
                shares.map(\.flow.accountID),
                shares.map { last[$0.flow] ?? .zero }, shares.map { Int64($0.rows) }, includingSent)
            var taken = Array(repeating: 0, count: shares.count)
            for row in rows {
                let turn: Int = try row("turn")
                taken[turn - 1] += 1
                last[shares[turn - 1].flow] = try row("job_id")
                picked.append(row)
            }
            for (share, taken) in zip(shares, taken) where taken < share.rows { ended.insert(share.flow) }
            return taken
        }
        known[queue]?.last = last
        if !ended.isEmpty { known[queue]?.flows.removeAll { ended.contains($0) } }
        // What came meanwhile may fill what was left over.
        if picked.count < slots || known[queue]?.flows.isEmpty == true { known[queue] = nil }
        return picked
    }

    /// Whether the queue is left alone for a moment; what is new in it is seen then.
    func rests(_ queue: String) -> Bool { known[queue].map { $0.flows.isEmpty && monotonicNanoseconds() < $0.until } ?? false }

    /// The flows of a queue; of more than `limit` flows, the next ones after those looked at before, and from the beginning again.
    private mutating func flows(of queue: String, on connection: Connection, limit: Int = 2000) throws -> [Flow] {
        func scan(after flow: Flow?) throws -> [Flow] {
            try connection.run(
                SQL.Relay.flows, queue, Int16(flow.map { -$0.priority } ?? -100), flow?.accountID ?? .zero, limit
            ).map { Flow(priority: -Int(try $0("rank") as Int16), accountID: try $0("account_id")) }
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

extension Identifier {
    /// Sorts before every other.
    static let zero = Identifier(high: 0, low: 0)
}
