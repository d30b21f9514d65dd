internal import Bytes

/// One account's waiting jobs of one priority in one queue.
struct Flow: Hashable, Sendable {
    var priority: Int
    var accountID: Identifier
}

/// Decides how many rows of each flow go out next: aged priority first, then turns over the accounts.
///
/// A flow's effective priority is its priority plus one for each `agingStep` since it was last served; so a flow of low priority that others overtake
/// climbs until it shares their class, and has to climb anew once it was served. Within a class, each flow gets the same number of rows in its turn, and who
/// was served longest ago has the next turn: one tenant's million rows are one flow, and never stand in front of another tenant's single row. What a class leaves over goes to the next one at once: a slot
/// stays empty only when nothing waits. Pure: the relay brings the flows, the rows and the time.
struct FlowPicker: Sendable {
    /// Rows that a flow may send now.
    struct Share: Hashable, Sendable {
        var flow: Flow
        var rows: Int
    }

    /// Seconds of waiting that weigh as much as one level of priority.
    private let agingStep: Double
    private var standings: [Flow: Standing] = [:]
    private var servings = 0

    private struct Standing {
        /// When it was served last, or first seen.
        var since: Double
        /// The number of its last serving; 0 for never.
        var serving = 0
    }

    init(agingStep: Double = 30) {
        precondition(agingStep > 0, "waiting that weighs endlessly much is no order")
        self.agingStep = agingStep
    }

    /// Fills up to `slots` slots.
    ///
    /// - Parameters:
    ///   - flows: all flows with ready rows.
    ///   - now: seconds of a monotonic clock.
    ///   - take: takes rows, and says for each share how many there were; fewer than the share means that the flow is empty.
    mutating func pick(flows: [Flow], slots: Int, now: Double, take: ([Share]) throws -> [Int]) rethrows {
        let present = Set(flows)
        standings = standings.filter { present.contains($0.key) }
        for flow in flows where standings[flow] == nil { standings[flow] = Standing(since: now) }
        let classes = Dictionary(grouping: flows) { effectivePriority(of: $0, now: now) }
        var free = slots
        for priority in classes.keys.sorted(by: >) {
            var turn = inTurn(classes[priority] ?? [])
            while free > 0, !turn.isEmpty {
                let shares = Self.shares(of: turn, slots: free)
                var unfinished: [Flow] = []
                for (share, taken) in zip(shares, try take(shares)) {
                    free -= taken
                    if taken > 0 {
                        servings += 1
                        standings[share.flow] = Standing(since: now, serving: servings)
                    }
                    if taken >= share.rows { unfinished.append(share.flow) }
                }
                // Each round takes a row or finishes a flow, so it ends.
                turn = turn.dropFirst(shares.count) + unfinished
            }
        }
    }

    /// Everything that waited was served: nobody has a claim to be preferred.
    mutating func forget() { standings = [:] }

    private func effectivePriority(of flow: Flow, now: Double) -> Int {
        // A wait of years must not overflow the integer.
        flow.priority + Int(min((now - (standings[flow]?.since ?? now)) / agingStep, 1_000_000))
    }

    /// Who was served longest ago goes first, so that more flows than slots take turns over several rounds.
    private func inTurn(_ flows: [Flow]) -> [Flow] {
        flows.sorted { left, right in
            (standings[left]?.serving ?? 0, left.accountID, left.priority) < (standings[right]?.serving ?? 0, right.accountID, right.priority)
        }
    }

    /// Of many flows only the first ones get a share, and several rows each: going to a flow costs as much as several of its rows.
    private static func shares(of flows: [Flow], slots: Int) -> [Share] {
        let served = flows.prefix(max(1, slots / quantum))
        let (each, extra) = slots.quotientAndRemainder(dividingBy: served.count)
        return served.enumerated().map { Share(flow: $1, rows: each + ($0 < extra ? 1 : 0)) }.filter { $0.rows > 0 }
    }

    /// Rows that a flow gets in its turn at least.
    private static let quantum = 4
}
