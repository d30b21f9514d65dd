internal import Synchronization

/// What the customers know: which orders were accepted, which refused, and what was answered that should not be.
final class ChaosBook: Sendable {
    struct Order: Sendable {
        var reseller: Int
        var checkID: String
        var planID: String
        var jobID: String
        /// Millionths.
        var price: Int64
        var isExtension: Bool
    }

    struct Entries: Sendable {
        var accepted: [Order] = []
        /// Price checks whose order was refused for good.
        var refused: [String] = []
        var oddities: [String] = []
        var requests = 0
        var repeated = 0
    }

    private let entries = Mutex(Entries())

    func accept(_ order: Order) { entries.withLock { $0.accepted.append(order) } }
    func refuse(_ checkID: String) { entries.withLock { $0.refused.append(checkID) } }
    func noteOddity(_ text: String) { entries.withLock { $0.oddities.append(text) } }
    func count(repeated: Bool) {
        entries.withLock { entries in
            entries.requests += 1
            if repeated { entries.repeated += 1 }
        }
    }

    var all: Entries { entries.withLock { $0 } }

    /// A plan of this reseller that was bought before.
    func somePlan(of reseller: Int) -> String? {
        entries.withLock { $0.accepted.filter { $0.reseller == reseller && !$0.isExtension }.randomElement()?.planID }
    }
}
