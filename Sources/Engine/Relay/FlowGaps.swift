internal import Bytes

/// Where flows may be that nobody knows yet: what lies between the known ones, in the order of the outbox's index.
///
/// In two forms, because an index can be read from one place to another only within one rank, or over whole ranks. Pure; SQL looks into them.
struct FlowGaps: Equatable, Sendable {
    /// Accounts of one rank, the bounds among them.
    struct Accounts: Equatable, Sendable {
        var rank: Int16
        var from: Identifier
        var to: Identifier
    }

    /// Whole ranks, the bounds among them.
    struct Ranks: Equatable, Sendable {
        var from: Int16
        var to: Int16
    }

    private(set) var accounts: [Accounts] = []
    private(set) var ranks: [Ranks] = []

    /// - Parameters:
    ///   - flows: known ones in their order; none of them lies in a gap.
    ///   - start: what is up to this one is left out; nil for nothing.
    ///   - isOpen: whether what is behind the last one counts too.
    init(between flows: [Flow], after start: Flow?, isOpen: Bool) {
        var last = start
        for flow in flows {
            add(from: last, to: flow)
            last = flow
        }
        if isOpen { add(from: last, to: nil) }
    }

    private mutating func add(from: Flow?, to: Flow?) {
        if let from, let to, from.rank == to.rank {
            return addAccounts(of: from.rank, from: from.accountID.successor, to: to.accountID.predecessor)
        }
        if let from { addAccounts(of: from.rank, from: from.accountID.successor, to: .last) }
        let (low, high) = (from.map { Int($0.rank) + 1 } ?? Int(Int16.min), to.map { Int($0.rank) - 1 } ?? Int(Int16.max))
        if low <= high { ranks.append(Ranks(from: Int16(low), to: Int16(high))) }
        if let to { addAccounts(of: to.rank, from: .zero, to: to.accountID.predecessor) }
    }

    private mutating func addAccounts(of rank: Int16, from: Identifier?, to: Identifier?) {
        if let from, let to, from <= to { accounts.append(Accounts(rank: rank, from: from, to: to)) }
    }
}

extension Flow {
    /// As the outbox has it: minus the priority.
    var rank: Int16 { Int16(clamping: -priority) }
}

extension Flow: Comparable {
    /// In the order of the outbox's index.
    static func < (left: Flow, right: Flow) -> Bool { (left.rank, left.accountID) < (right.rank, right.accountID) }
}

extension Identifier {
    /// Sorts before every other.
    static let zero = Identifier(high: 0, low: 0)

    /// Sorts behind every other.
    static let last = Identifier(high: .max, low: .max)

    /// The next one in order; nil behind the last.
    fileprivate var successor: Identifier? {
        self == .last ? nil : Identifier(high: low == .max ? high + 1 : high, low: low &+ 1)
    }

    /// The one before in order; nil before the first.
    fileprivate var predecessor: Identifier? {
        self == .zero ? nil : Identifier(high: low == 0 ? high - 1 : high, low: low &- 1)
    }
}
