/// Up to which number of the outbox nothing is still on its way.
///
/// Numbers are given out in order and committed in any: a transaction that is open holds back those that it was given. A number is settled when everybody who
/// might have been given one as small has ended: then a row is there or will never be. Transactions that only read hold nothing back, however old their snapshot
/// is. Pure: the relay brings what it sees at each of its looks.
struct SettledNumbers: Sendable {
    /// All rows with numbers up to this one are there, or never will be.
    private(set) var last: Int64 = 0
    /// The highest number that was given out when the waiting began, and the first transaction that began after that.
    private var awaited: (number: Int64, next: Int64?)?

    /// - Parameters:
    ///   - givenOut: the highest number by now.
    ///   - oldest: the oldest transaction that is open; all before it have ended.
    ///   - next: the first transaction that has not begun. The two may have been seen before `givenOut` was.
    mutating func saw(givenOut: Int64, oldest: Int64, next: Int64) {
        guard let (number, after) = awaited else { return awaited = (givenOut, nil) }
        guard let after else { return awaited = (number, next) }
        guard oldest >= after else { return }
        last = number
        awaited = (givenOut, nil)
    }
}
