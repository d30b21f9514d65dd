import Bytes
import Testing

@Suite struct IdentifierTests {
    @Test func `identifiers of one thread are strictly increasing`() {
        var last = Identifier.next()
        for _ in 0..<20_000 {
            let next = Identifier.next()
            #expect(last < next)
            last = next
        }
    }

    @Test func `identifiers made on many threads are unique and increase on each`() async {
        let made = await withTaskGroup(of: [Identifier].self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<5_000).map { _ in Identifier.next() } }
            }
            return await group.reduce(into: [[Identifier]]()) { $0.append($1) }
        }
        for sequence in made {
            #expect(zip(sequence, sequence.dropFirst()).allSatisfy { $0 < $1 })
        }
        #expect(Set(made.joined()).count == 40_000)
    }

    @Test func `an identifier made after another thread's is greater`() async {
        var last = Identifier.next()
        for _ in 0..<500 {
            let next = await Task { @concurrent in Identifier.next() }.value
            #expect(last < next)
            last = next
        }
    }

    @Test func `it is a UUID of version 7 and carries the time`() {
        let before = wallMicroseconds() / 1000
        let identifier = Identifier.next()
        #expect(identifier.high >> 12 & 0xF == 7)
        #expect(identifier.low >> 62 == 0b10)
        // A burst in another test may borrow some milliseconds from the future.
        #expect((before...(before + 5_000)).contains(identifier.milliseconds))
    }

    @Test func `texts sort as the identifiers do`() {
        let identifiers = (0..<1_000).map { _ in Identifier.next() }
        #expect(identifiers.map(\.description) == identifiers.map(\.description).sorted())
    }

    @Test func `the canonical text reads back`() {
        let identifier = Identifier(high: 0x0192_F0C1_D2E3_7ABC, low: 0x8DEF_0123_4567_89AB)
        #expect(identifier.description == "0192f0c1-d2e3-7abc-8def-0123456789ab")
        #expect(Identifier(identifier.description) == identifier)
        #expect(Identifier(identifier.description.uppercased()) == identifier)
        #expect(Identifier("0192f0c1d2e37abc8def0123456789ab") == identifier)
    }

    @Test func `the API's text reads back with its own prefix only`() {
        let identifier = Identifier.next()
        let text = identifier.text("plan")
        #expect(text.hasPrefix("plan_"))
        #expect(text.utf8.count == 37)
        #expect(Identifier(text, prefix: "plan") == identifier)
        #expect(Identifier(text, prefix: "job") == nil)
        #expect(Identifier(text, prefix: "pla") == nil)
        #expect(Identifier(text, prefix: "") == nil)
        #expect(Identifier(text) == nil)
        #expect(Identifier("plan_", prefix: "plan") == nil)
        #expect(Identifier(identifier.description, prefix: "plan") == nil)
    }

    @Test(arguments: [
        "", "-", "0", "0192f0c1-d2e3-7abc-8def-0123456789a", "0192f0c1-d2e3-7abc-8def-0123456789abc", "0192f0c1d2e3-7abc-8def-0123456789ab",
        "0192f0c1-d2e37abc-8def-0123456789ab", "0192f0c1-d2e3-7abc-8def-0123456789ag", "{0192f0c1-d2e3-7abc-8def-0123456789ab}",
        " 0192f0c1d2e37abc8def0123456789ab", "0192f0c1d2e37abc8def0123456789ab\n", "0192f0c-1d2e3-7abc-8def-0123456789ab",
        "٠192f0c1d2e37abc8def0123456789ab",
        "------------------------------------", "0192f0c1d2e37abc8def0123456789ab0000",
    ])
    func `bad text is no identifier`(text: String) {
        #expect(Identifier(text) == nil)
    }
}
