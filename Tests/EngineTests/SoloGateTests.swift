import Synchronization
import TestSupport
import Testing

@testable import Engine

/// Who may run beside whom.
struct SoloGateTests {
    /// What happened, in order.
    private final class Journal: Sendable {
        private let lines = Mutex<[String]>([])

        func note(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    /// Who is inside.
    private final class Room: Sendable {
        private let state = Mutex((shared: 0, alone: 0, wasBroken: false))

        func note(shared: Int = 0, alone: Int = 0) {
            state.withLock { state in
                state.shared += shared
                state.alone += alone
                if state.alone > 1 || (state.alone == 1 && state.shared > 0) { state.wasBroken = true }
            }
        }

        var isEmpty: Bool { state.withLock { $0.shared == 0 && $0.alone == 0 } }
        var wasBroken: Bool { state.withLock { $0.wasBroken } }
    }

    @Test func `ordinary runs enter together`() async {
        let gate = SoloGate()
        await gate.enterShared(3)
        await gate.enterShared()
        gate.leaveShared(3)
        gate.leaveShared()
        await gate.enterAlone()
        gate.leaveAlone()
    }

    @Test func `a suspect waits until everybody has left, and who comes later waits for it`() async throws {
        let (gate, journal) = (SoloGate(), Journal())
        await gate.enterShared(2)
        let alone = Task {
            await gate.enterAlone()
            journal.note("alone")
        }
        try await eventually("the suspect waits") { gate.waiting.alone == 1 }
        let later = Task {
            await gate.enterShared()
            journal.note("later")
        }
        try await eventually("the later one waits") { gate.waiting.shared == 1 }
        gate.leaveShared()
        #expect(journal.all.isEmpty)
        gate.leaveShared()
        await alone.value
        #expect(journal.all == ["alone"])
        gate.leaveAlone()
        await later.value
        #expect(journal.all == ["alone", "later"])
    }

    @Test func `suspects and ordinary work take turns, so that neither shuts the other out`() async throws {
        let (gate, journal) = (SoloGate(), Journal())
        await gate.enterShared()
        let suspects = (0..<3).map { _ in
            Task {
                await gate.enterAlone()
                journal.note("alone")
                gate.leaveAlone()
            }
        }
        try await eventually("the suspects wait") { gate.waiting.alone == 3 }
        let ordinary = (0..<2).map { _ in
            Task {
                await gate.enterShared(5)
                journal.note("shared")
                gate.leaveShared(5)
            }
        }
        try await eventually("the others wait") { gate.waiting.shared == 2 }
        gate.leaveShared()
        for task in suspects + ordinary { await task.value }
        // One suspect, then those who waited for it, then the rest of the suspects.
        #expect(journal.all.first == "alone")
        #expect(Set(journal.all[1...2]) == ["shared"])
        #expect(journal.all[3...] == ["alone", "alone"])
    }

    @Test func `under any load a suspect is never in company`() async {
        let gate = SoloGate()
        let inside = Room()
        await withTaskGroup { group in
            for number in 0..<400 {
                group.addTask {
                    if number.isMultiple(of: 7) {
                        await gate.enterAlone()
                        inside.note(alone: 1)
                        await Task.yield()
                        inside.note(alone: -1)
                        gate.leaveAlone()
                    } else {
                        let count = number % 3 + 1
                        await gate.enterShared(count)
                        inside.note(shared: count)
                        await Task.yield()
                        inside.note(shared: -count)
                        gate.leaveShared(count)
                    }
                }
            }
        }
        #expect(inside.isEmpty && !inside.wasBroken)
        #expect(gate.waiting == (0, 0))
    }
}
