internal import Bytes
internal import Synchronization

/// What the handlers of a benchmark count, so that nobody needs to ask the ledger how far they are.
///
/// Asking costs the database a walk over what is dead already, 7 µs a job when done every 20 ms. The handlers also leave the last jobs that entered:
/// when all have entered, only these can still lack their end, and they are looked up by primary key.
final class Tally: Sendable {
    private struct State {
        var count = 0
        var recent: [Identifier] = []
        /// By the job's number; nought for one that has not entered.
        var entered: [Int64] = []
        /// Numbered jobs that have entered, each once.
        var different = 0
    }

    /// More than any worker of a benchmark has in hand.
    private static let kept = 4096

    private let state = Mutex(State())
    /// The jobs of the hot key.
    let crowd = Crowd()

    /// A handler begins with this job; `number` is given where its time matters.
    func enter(_ job: Identifier, number: Int?) {
        let now = number == nil ? 0 : monotonicNanoseconds()
        state.withLock { state in
            if state.recent.count < Self.kept { state.recent.append(job) } else { state.recent[state.count % Self.kept] = job }
            state.count += 1
            // A second run of a job does not make its first one later.
            if let number, number < state.entered.count, state.entered[number] == 0 {
                state.entered[number] = now
                state.different += 1
            }
        }
    }

    /// The first of these numbers whose job has not entered.
    ///
    /// Who asks again begins where the last answer was, so that nobody walks over the same ones twice.
    func firstMissing(_ numbers: Range<Int>) -> Int? {
        state.withLock { state in numbers.first { $0 < state.entered.count && state.entered[$0] == 0 } }
    }

    /// Begins anew; `numbers` jobs will be timed.
    func reset(numbers: Int = 0) {
        state.withLock { $0 = State(entered: Array(repeating: 0, count: numbers)) }
    }

    var count: Int { state.withLock { $0.count } }
    var different: Int { state.withLock { $0.different } }
    var recent: [Identifier] { state.withLock { $0.recent } }
    /// Nanoseconds of the monotonic clock.
    var entered: [Int64] { state.withLock { $0.entered } }
}
