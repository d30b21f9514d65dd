internal import HTTPClient
internal import Lanes
internal import Synchronization

/// All customers at once, until the load ends.
final class ChaosLoad: Sendable {
    private enum Phase {
        case trading, over, givenUp
    }

    let book = ChaosBook()
    private let phase = Mutex(Phase.trading)
    private let http = HTTPClient()
    private let ended = Mailbox<Int>()

    func start(port: Int) {
        let client = DemoClient(base: "http://127.0.0.1:\(port)", http: http)
        for number in 0..<ChaosMarket.resellers {
            for _ in 0..<2 {
                let customer = ChaosCustomer(
                    number: number, client: client, book: book, isOver: { [self] in phase.withLock { $0 != .trading } },
                    isGivenUp: { [self] in phase.withLock { $0 == .givenUp } })
                Task {
                    await customer.trade()
                    ended.put(number)
                }
            }
        }
    }

    /// Places no new orders and waits until those in hand are answered.
    ///
    /// - Returns: false when some never were.
    func stop(within limit: Duration) -> Bool {
        phase.withLock { $0 = .over }
        let deadline = ContinuousClock.now + limit
        var left = ChaosMarket.resellers * 2
        while left > 0, let _ = ended.take(timeout: max(.zero, deadline - .now)) { left -= 1 }
        phase.withLock { $0 = .givenUp }
        http.stop()
        return left == 0
    }
}
