import Lanes
import Synchronization
import Testing

@Suite struct MailboxTests {
    @Test func `elements come out in the order in which they went in`() {
        let mailbox = Mailbox<Int>()
        for number in 0..<5_000 { #expect(mailbox.put(number)) }
        #expect(mailbox.count == 5_000)
        // Taking past the points where the storage is compacted, and putting in between.
        for number in 0..<3_000 { #expect(mailbox.take() == number) }
        for number in 5_000..<6_000 { mailbox.put(number) }
        #expect(mailbox.takeAll(limit: 10) == Array(3_000..<3_010))
        #expect(mailbox.takeAll() == Array(3_010..<6_000))
        #expect(mailbox.count == 0)
    }

    @Test func `a waiting thread gets what is put later`() {
        let mailbox = Mailbox<Int>()
        let answers = Mailbox<Int>()
        let thread = Thread("waiting") {
            while let number = mailbox.take() { answers.put(number * 2) }
        }
        for number in 0..<100 {
            mailbox.put(number)
            #expect(answers.take(timeout: .seconds(30)) == number * 2)
        }
        mailbox.close()
        #expect(thread.join(timeout: .seconds(30)))
    }

    @Test func `nothing comes out twice or gets lost between many threads`() {
        let mailbox = Mailbox<Int>()
        let taken = Mutex<[Int]>([])
        let takers = (0..<4).map { index in
            Thread("taker-\(index)") {
                var own: [Int] = []
                while true {
                    let some = index.isMultiple(of: 2) ? mailbox.takeAll(limit: 7) : mailbox.take().map { [$0] } ?? []
                    if some.isEmpty { break }
                    own += some
                }
                // One taker sees the elements of one putter in their order.
                #expect((0..<4).allSatisfy { putter in own.filter { $0 / 10_000 == putter }.isStrictlyIncreasing })
                taken.withLock { $0 += own }
            }
        }
        let putters = (0..<4).map { index in
            Thread("putter-\(index)") {
                for number in 0..<5_000 { mailbox.put(index * 10_000 + number) }
            }
        }
        for thread in putters { #expect(thread.join(timeout: .seconds(60))) }
        mailbox.close()
        for thread in takers { #expect(thread.join(timeout: .seconds(60))) }
        let expected = (0..<4).flatMap { putter in (0..<5_000).map { putter * 10_000 + $0 } }
        #expect(taken.withLock { $0.sorted() } == expected)
    }

    @Test(arguments: [Duration.milliseconds(30), .nanoseconds(1), .milliseconds(999)]) func `waiting ends when the time is over and not before`(
        timeout: Duration
    ) {
        let mailbox = Mailbox<Int>()
        let waited = ContinuousClock().measure { #expect(mailbox.take(timeout: timeout) == nil) }
        #expect(waited >= timeout)
        #expect(waited < timeout + .seconds(30))
        #expect(!mailbox.isClosed)
    }

    @Test(arguments: [Duration.zero, .nanoseconds(-1), .nanoseconds(-999_999_999), .seconds(-5), .seconds(Int64.min)]) func `no time only looks`(
        timeout: Duration
    ) {
        let mailbox = Mailbox<Int>()
        let waited = ContinuousClock().measure {
            #expect(mailbox.take(timeout: timeout) == nil)
            #expect(mailbox.takeAll(timeout: timeout) == [])
        }
        #expect(waited < .seconds(30))
        mailbox.put(1)
        #expect(mailbox.take(timeout: timeout) == 1)
    }

    @Test func `a time too long for the clock waits like no time limit`() {
        let mailbox = Mailbox<Int>()
        let thread = Thread("patient") { #expect(mailbox.take(timeout: .seconds(Int64.max)) == 7) }
        mailbox.put(7)
        #expect(thread.join(timeout: .seconds(30)))
    }

    @Test func `a closed mailbox refuses, and gives out what it holds`() {
        let mailbox = Mailbox<Int>()
        mailbox.put(1)
        mailbox.put(2)
        mailbox.close()
        #expect(mailbox.isClosed)
        #expect(!mailbox.put(3))
        #expect(mailbox.take() == 1)
        #expect(mailbox.takeAll() == [2])
        #expect(mailbox.take() == nil)
        #expect(mailbox.takeAll() == [])
        mailbox.close()
        #expect(mailbox.take() == nil)
    }

    @Test func `closing wakes every waiting thread`() {
        let mailbox = Mailbox<Int>()
        let threads = (0..<8).map { index in Thread("waiting-\(index)") { #expect(mailbox.take() == nil) } }
        mailbox.close()
        for thread in threads { #expect(thread.join(timeout: .seconds(30))) }
    }

    @Test func `what was taken is not kept alive`() {
        final class Witness: Sendable {}
        let mailbox = Mailbox<Witness>()
        var first: Witness? = Witness()
        weak let witness = first
        if let first { mailbox.put(first) }
        mailbox.put(Witness())
        first = mailbox.take()
        #expect(witness != nil)
        first = nil
        #expect(witness == nil)
        #expect(mailbox.count == 1)
    }
}

extension [Int] {
    var isStrictlyIncreasing: Bool { zip(self, dropFirst()).allSatisfy { $0 < $1 } }
}
