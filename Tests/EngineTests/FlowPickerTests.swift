import Bytes
import Faults
internal import TestSupport
import Testing

@testable import Engine

/// The order of flows, without a relay: rows are numbers in a dictionary.
struct FlowPickerTests {
    /// Takes rows as the outbox gives them, and remembers what went out.
    private struct Backlog {
        var rows: [Flow: Int]
        var sent: [Flow: Int] = [:]

        var flows: [Flow] { rows.filter { $0.value > 0 }.map(\.key) }

        mutating func pick(_ picker: inout FlowPicker, slots: Int, now: Double) -> [Flow: Int] {
            var turn: [Flow: Int] = [:]
            picker.pick(flows: flows, slots: slots, now: now) { shares in
                shares.map { share in
                    let taken = min(share.rows, rows[share.flow] ?? 0)
                    rows[share.flow, default: 0] -= taken
                    turn[share.flow, default: 0] += taken
                    return taken
                }
            }
            sent.merge(turn, uniquingKeysWith: +)
            return turn
        }
    }

    private func flow(_ priority: Int, _ account: UInt64) -> Flow { Flow(priority: priority, accountID: Identifier(high: 0, low: account)) }

    @Test func `accounts of one priority share the slots`() {
        var picker = FlowPicker()
        let (big, small, middle) = (flow(0, 1), flow(0, 2), flow(0, 3))
        var backlog = Backlog(rows: [big: 1_000_000, small: 1, middle: 10])
        let turn = backlog.pick(&picker, slots: 30, now: 0)
        #expect(turn == [big: 19, small: 1, middle: 10])
    }

    @Test func `more accounts than slots take turns`() {
        var picker = FlowPicker()
        let flows = (1...10).map { flow(0, $0) }
        var backlog = Backlog(rows: Dictionary(uniqueKeysWithValues: flows.map { ($0, 100) }))
        for round in 0..<10 { _ = backlog.pick(&picker, slots: 3, now: Double(round) / 1000) }
        #expect(backlog.sent.values.allSatisfy { $0 == 3 })
        #expect(backlog.sent.count == 10)
    }

    @Test func `a higher priority goes first and leaves over what it does not need`() {
        var picker = FlowPicker()
        let (high, low, lowest) = (flow(5, 1), flow(0, 2), flow(-5, 3))
        var backlog = Backlog(rows: [high: 4, low: 3, lowest: 50])
        #expect(backlog.pick(&picker, slots: 5, now: 0) == [high: 4, low: 1])
        #expect(backlog.pick(&picker, slots: 5, now: 0) == [low: 2, lowest: 3])
    }

    @Test func `a flow that is overtaken climbs a level for each step and then shares the class, and climbs anew`() {
        var picker = FlowPicker(agingStep: 30)
        let (high, low) = (flow(3, 1), flow(0, 2))
        var backlog = Backlog(rows: [high: 1_000_000, low: 1000])
        for second in 0..<90 { #expect(backlog.pick(&picker, slots: 10, now: Double(second))[low] ?? 0 == 0) }
        #expect(backlog.pick(&picker, slots: 10, now: 90)[low] == 5)
        for second in 91..<180 { #expect(backlog.pick(&picker, slots: 10, now: Double(second))[low] ?? 0 == 0) }
        #expect(backlog.pick(&picker, slots: 10, now: 180)[low] == 5)
    }

    @Test func `after everything was served nobody is older than another`() {
        var picker = FlowPicker(agingStep: 1)
        let (high, low) = (flow(1, 1), flow(0, 2))
        var backlog = Backlog(rows: [high: 100, low: 100])
        _ = backlog.pick(&picker, slots: 10, now: 0)
        picker.forget()
        #expect(backlog.pick(&picker, slots: 10, now: 1000) == [high: 10])
    }

    @Test func `no slot stays empty while a row waits, and no flow starves`() {
        for seed in SeededGenerator.seedOfThisRun..<SeededGenerator.seedOfThisRun + 100 { wander(seed) }
    }

    private func wander(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var picker = FlowPicker(agingStep: 5)
        var backlog = Backlog(rows: [:])
        for account in 1...UInt64(Int.random(in: 1...12, using: &random)) {
            backlog.rows[flow(Int.random(in: -3...3, using: &random), account)] = Int.random(in: 0...40, using: &random)
        }
        // Everybody is as high as the highest after (3 + 3) steps of 5 s, and a turn of one slot a second serves 12 flows in 12 s.
        let patience = 6.0 * 5 + 13 * 2
        var served: [Flow: Double] = [:]
        for second in 0..<200 {
            let now = Double(second)
            let waiting = backlog.rows.values.reduce(0, +)
            for flow in backlog.flows where served[flow] == nil { served[flow] = now }
            let slots = Int.random(in: 1...5, using: &random)
            let turn = backlog.pick(&picker, slots: slots, now: now)
            #expect(turn.values.reduce(0, +) == min(slots, waiting), "seed \(seed)")
            for (flow, rows) in turn where rows > 0 { served[flow] = now }
            for flow in served.keys where backlog.rows[flow] == 0 { served[flow] = nil }
            for (flow, since) in served { #expect(now - since <= patience, "\(flow) starves; seed \(seed)") }
            let flows = backlog.rows.keys.sorted { ($0.accountID, $0.priority) < ($1.accountID, $1.priority) }
            if second.isMultiple(of: 3), let flow = flows.randomElement(using: &random) { backlog.rows[flow, default: 0] += 5 }
        }
    }
}
