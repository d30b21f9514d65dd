import Testing

@testable import Engine
@testable import RabbitMQ

/// Which messages are acknowledged when, and in how few words.
struct AcknowledgementsTests {
    private func tag(_ number: UInt64) -> DeliveryTag { DeliveryTag(channel: Channel(number: 1, generation: 1), number: number) }

    private func delivered(_ numbers: ClosedRange<UInt64>, prefetch: Int = 100) -> Acknowledgements {
        var acknowledgements = Acknowledgements(prefetch: prefetch)
        for number in numbers { acknowledgements.delivered(tag(number)) }
        return acknowledgements
    }

    @Test func `all up to the first that is still in hand are said in one word, the others one by one`() {
        var acknowledgements = delivered(1...8)
        for number: UInt64 in [3, 1, 2, 5, 8] { acknowledgements.finished(tag(number), now: 0) }
        #expect(
            acknowledgements.take() == [
                .init(tag: tag(3), isMultiple: true), .init(tag: tag(5), isMultiple: false), .init(tag: tag(8), isMultiple: false),
            ])
        #expect(acknowledgements.take().isEmpty)
        // The fourth is the first in hand now, and behind it only six and seven are.
        for number: UInt64 in [4, 6] { acknowledgements.finished(tag(number), now: 0) }
        #expect(acknowledgements.take() == [.init(tag: tag(6), isMultiple: true)])
        acknowledgements.finished(tag(7), now: 0)
        #expect(acknowledgements.take() == [.init(tag: tag(7), isMultiple: false)])
    }

    @Test func `an acknowledgement waits ten milliseconds for others, and not at all when a quarter of what may be ahead is done with`() {
        var acknowledgements = delivered(1...8, prefetch: 8)
        #expect(acknowledgements.wait(now: 0) == nil)
        acknowledgements.finished(tag(1), now: 1_000_000)
        #expect(acknowledgements.wait(now: 1_000_000) == 10_000_000)
        #expect(acknowledgements.wait(now: 5_000_000) == 6_000_000)
        #expect(acknowledgements.wait(now: 11_000_000) == 0)
        #expect(acknowledgements.wait(now: 99_000_000) == 0)
        acknowledgements.finished(tag(2), now: 2_000_000)
        #expect(acknowledgements.wait(now: 2_000_000) == 0)
        _ = acknowledgements.take()
        #expect(acknowledgements.wait(now: 2_000_000) == nil)
    }

    @Test func `where only one message may be ahead, each is acknowledged at once`() {
        var acknowledgements = delivered(1...1, prefetch: 1)
        acknowledgements.finished(tag(1), now: 0)
        #expect(acknowledgements.wait(now: 0) == 0)
    }
}
