import Faults
import Testing

@testable import RabbitMQ

@Suite struct ConfirmWindowTests {
    @Test func `a multiple ack speaks for all before it and for none twice`() {
        var window = ConfirmWindow(count: 4, first: 11)
        for index in 0..<4 { window.send(index) }
        window.settle(12, multiple: false, as: .refused)
        window.settle(13, multiple: true, as: .confirmed)
        window.settle(13, multiple: true, as: .refused)
        #expect(window.outcomes == [.confirmed, .refused, .confirmed, nil])
        #expect(window.outstanding == 1)
        #expect(window.next == 15)
    }

    @Test func `numbers of another batch are ignored`() {
        var window = ConfirmWindow(count: 1, first: 5)
        window.settle(0, multiple: true, as: .confirmed)
        window.send(0)
        window.settle(4, multiple: true, as: .confirmed)
        window.settle(6, multiple: false, as: .confirmed)
        #expect(window.outstanding == 1)
        window.settle(0, multiple: true, as: .confirmed)
        #expect(window.outcomes == [.confirmed])
    }

    @Test func `equal messages are given back in their order`() {
        var window = ConfirmWindow(count: 3, first: 1)
        for index in 0..<3 { window.send(index) }
        window.giveBack(code: 312, text: "first") { $0 != 1 }
        window.giveBack(code: 312, text: "second") { $0 != 1 }
        window.settle(3, multiple: true, as: .confirmed)
        #expect(window.outcomes == [.returned(code: 312, text: "first"), .confirmed, .returned(code: 312, text: "second")])
    }

    /// Any way in which a broker may settle a batch gives every message the outcome that the broker meant.
    @Test(arguments: 0..<200)
    func `any order of confirms settles every message as meant`(run: Int) {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let count = Int.random(in: 0...40, using: &random)
        var window = ConfirmWindow(count: count, first: UInt64.random(in: 1...1000, using: &random))
        var meant: [PublishOutcome] = []
        var tags: [(tag: UInt64, index: Int)] = []
        var open: Set<UInt64> = []

        func settleSome(_ most: Int) {
            for _ in 0..<most where !open.isEmpty {
                guard let tag = open.randomElement(using: &random) else { return }
                let nack = Bool.random(using: &random)
                let multiple = Bool.random(using: &random)
                for (other, index) in tags where open.contains(other) && (multiple ? other <= tag : other == tag) {
                    if meant[index] == .confirmed, nack { meant[index] = .refused }
                    open.remove(other)
                }
                window.settle(tag, multiple: multiple, as: nack ? .refused : .confirmed)
            }
        }

        for index in 0..<count {
            if Int.random(in: 0..<10, using: &random) == 0 {
                window.skip(index, "long")
                meant.append(.unsendable("long"))
                continue
            }
            tags.append((window.next, index))
            open.insert(window.next)
            window.send(index)
            meant.append(.confirmed)
            if Int.random(in: 0..<5, using: &random) == 0 {
                window.giveBack(code: 312, text: "no route") { $0 == index }
                meant[index] = .returned(code: 312, text: "no route")
            }
            settleSome(Int.random(in: 0...2, using: &random))
            #expect(window.outstanding == open.count, "seed \(seed)")
        }
        while !open.isEmpty { settleSome(1) }
        #expect(window.outstanding == 0, "seed \(seed)")
        #expect(window.outcomes == meant.map(Optional.some), "seed \(seed)")
    }
}
