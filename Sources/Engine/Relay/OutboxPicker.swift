internal import Bytes
internal import Postgres

/// Picks the ready rows of a queue that go next, in fair order, and locks them.
///
/// The relay picks what it publishes; a worker without a broker picks what it claims itself.
struct OutboxPicker: Sendable {
    private let agingStep: Double
    private var pickers: [String: FlowPicker] = [:]
    private var lastFlow: [String: Flow] = [:]

    init(agingStep: Duration = .seconds(30)) {
        self.agingStep = max(Double(agingStep.nanoseconds) / 1e9, 0.001)
    }

    /// Up to `slots` rows with `job_id`, `publish`, `kind` and `trace`: all when they fit, otherwise each flow's share.
    mutating func pick(queue: String, slots: Int, on connection: Connection) throws -> [Row] {
        let ready: Int = try connection.run(SQL.Relay.readyCount, queue, slots + 1).only()("count")
        if ready <= slots {
            pickers[queue]?.forget()
            return try Array(connection.run(SQL.Relay.pickAny, queue, slots))
        }
        let flows = try flows(of: queue, on: connection)
        var picked: [Row] = []
        var last: [Flow: Identifier] = [:]
        try pickers[queue, default: FlowPicker(agingStep: agingStep)].pick(
            flows: flows, slots: slots, now: Double(monotonicNanoseconds()) / 1e9
        ) { shares in
            let rows = try connection.run(
                SQL.Relay.pickFlows, queue, shares.map { Int16(-$0.flow.priority) }, shares.map(\.flow.accountID),
                shares.map { last[$0.flow] ?? .zero }, shares.map { Int64($0.rows) })
            var taken = Array(repeating: 0, count: shares.count)
            for row in rows {
                let turn: Int = try row("turn")
                taken[turn - 1] += 1
                last[shares[turn - 1].flow] = try row("job_id")
                picked.append(row)
            }
            return taken
        }
        return picked
    }

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
