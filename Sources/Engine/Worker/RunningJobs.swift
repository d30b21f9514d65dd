internal import Bytes
internal import Synchronization

/// What runs in this process: for cancels, timeouts and the stop; and which claims are in hand, for the audit of leases.
///
/// Runs are kept by a number of their own and not by their job's id: after a lost lease the same job may run here a second time before the first run has
/// noticed, and the end of the one must not make the other deaf.
final class RunningJobs: Sendable {
    /// Why a run was broken off from outside.
    enum Reason: Sendable, Hashable {
        case cancelled, timedOut, stopping, leaseLost
    }

    private struct Entry {
        var id: Identifier
        /// Atomic runs know neither a cancel nor the loss of a lease: both are decided at their commit.
        var isLeased: Bool
        var cancel: @Sendable () -> Void
        /// Monotonic nanoseconds.
        var deadline: Int64
        var reason: Reason?
        var brokenOffAt: Int64?
    }

    private struct State {
        var entries: [Int: Entry] = [:]
        var next = 0
        /// How many leases of each claim are in hand.
        var claims: [Int64: Int] = [:]
        /// Claims whose leases have all ended: their rows say nothing any more.
        var ended: [Int64] = []
        var isStopping = false
    }

    private let state = Mutex(State())

    /// Notes a run, and how it is broken off.
    ///
    /// After the grace period that happens at once.
    ///
    /// - Returns: the run's number, for `end`.
    func begin(_ id: Identifier, isLeased: Bool, deadline: Int64, cancel: @escaping @Sendable () -> Void) -> Int {
        let (run, isStopping) = state.withLock { state in
            state.next += 1
            state.entries[state.next] = Entry(id: id, isLeased: isLeased, cancel: cancel, deadline: deadline)
            return (state.next, state.isStopping)
        }
        if isStopping { breakOff([run], .stopping) }
        return run
    }

    /// The run has ended; says why it was broken off, if it was.
    func end(_ run: Int) -> Reason? {
        state.withLock { $0.entries.removeValue(forKey: run)?.reason }
    }

    /// The jobs of the leased runs.
    var leasedIDs: [Identifier] { state.withLock { $0.entries.values.filter(\.isLeased).map(\.id) } }
    var count: Int { state.withLock { $0.entries.count } }

    /// Breaks off the leased runs of these jobs.
    func cancel(_ ids: some Sequence<Identifier>) {
        let ids = Set(ids)
        breakOff(runs { $0.isLeased && ids.contains($0.id) }, .cancelled)
    }

    /// The grace period is over: breaks off what runs, and what still begins.
    func stop() {
        state.withLock { $0.isStopping = true }
        breakOff(runs { _ in true }, .stopping)
    }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// The identity is lost under which the leases were taken.
    func loseLeases() { breakOff(runs(where: \.isLeased), .leaseLost) }

    func loseLease(of run: Int) { breakOff([run], .leaseLost) }

    /// Breaks off what is over its timeout.
    ///
    /// - Returns: whether a run was broken off `patience` ago and has not ended: its lane will not come back.
    func breakOffLate(now: Int64, patience: Duration) -> Bool {
        breakOff(runs { $0.reason == nil && $0.deadline <= now }, .timedOut)
        let limit = now - patience.nanoseconds
        return !runs { $0.reason == .timedOut && ($0.brokenOffAt ?? now) <= limit }.isEmpty
    }

    private func runs(where matches: (Entry) -> Bool) -> [Int] {
        state.withLock { state in state.entries.filter { matches($0.value) }.map(\.key) }
    }

    private func breakOff(_ runs: [Int], _ reason: Reason) {
        for run in runs {
            let cancel = state.withLock { state -> (@Sendable () -> Void)? in
                guard var entry = state.entries[run], entry.reason == nil else { return nil }
                entry.reason = reason
                entry.brokenOffAt = monotonicNanoseconds()
                state.entries[run] = entry
                return entry.cancel
            }
            cancel?()
        }
    }
}

// MARK: - Leases

extension RunningJobs {
    /// Leases were committed, each named by its claim; they are in hand until their end is written.
    func hold(_ claims: some Sequence<Int64>) {
        state.withLock { state in for claim in claims { state.claims[claim, default: 0] += 1 } }
    }

    /// The end of one of the claim's leases is written.
    func letGo(_ claim: Int64) {
        state.withLock { state in
            guard let left = state.claims[claim] else { return }
            state.claims[claim] = left > 1 ? left - 1 : nil
            if left == 1 { state.ended.append(claim) }
        }
    }

    /// Those of the claims that are not in hand.
    func unknown(among claims: [Int64]) -> [Int64] {
        state.withLock { state in
            let ended = Set(state.ended)
            return claims.filter { state.claims[$0] == nil && !ended.contains($0) }
        }
    }

    /// Claims whose rows may go; whoever takes them removes the rows, or puts them back.
    func takeEndedClaims() -> [Int64] {
        state.withLock { state in
            defer { state.ended = [] }
            return state.ended
        }
    }

    func putBackEndedClaims(_ claims: [Int64]) {
        if !claims.isEmpty { state.withLock { $0.ended += claims } }
    }
}

extension Duration {
    /// The whole nanoseconds of this duration; the longest there are when it is longer.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, beyond) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return beyond ? (seconds < 0 ? .min : .max) : sum
    }
}
