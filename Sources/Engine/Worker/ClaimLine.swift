internal import Bytes
internal import Lanes
internal import Synchronization

/// Claims that wait for a lane; the lane that comes free makes all of them in one transaction.
///
/// Each costs a commit whether it takes one job or sixty. Made one after the other, those that gathered while the lanes were busy would keep them busy for
/// as long again.
final class ClaimLine: Sendable {
    private struct Waiting: Sendable {
        let number: Int
        let requests: [ClaimRequest]
        let continuation: CheckedContinuation<LeasedRunner.Claimed, any Error>
    }

    private struct State {
        var waiting: [Waiting] = []
        var last = 0
    }

    private let pool: LanePool<WorkLane>
    /// Jobs of one transaction, if there is more than one claim in it.
    private let most: Int
    private let claim: @Sendable ([ClaimRequest], WorkLane) throws -> LeasedRunner.Claimed
    private let state = Mutex(State())

    init(pool: LanePool<WorkLane>, most: Int, claim: @escaping @Sendable ([ClaimRequest], WorkLane) throws -> LeasedRunner.Claimed) {
        self.pool = pool
        self.most = most
        self.claim = claim
    }

    /// Commits leases for these wake-ups, with those of others who wait.
    ///
    /// - Returns: what was taken of them.
    /// - Throws: what the claim throws, to all whose it was; `LanePoolStopped`.
    func claim(_ requests: [ClaimRequest]) async throws -> LeasedRunner.Claimed {
        try await withCheckedThrowingContinuation { continuation in
            let number = state.withLock { state in
                state.last += 1
                state.waiting.append(Waiting(number: state.last, requests: requests, continuation: continuation))
                return state.last
            }
            // One call of a lane each: it may find that an earlier one has taken this claim along.
            if pool.submit({ [self] lane in claimWaiting(lane) }) { return }
            let own = state.withLock { state in
                state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0) }
            }
            own?.continuation.resume(throwing: LanePoolStopped())
        }
    }

    private func claimWaiting(_ lane: WorkLane) {
        let together = state.withLock { state in
            var jobs = 0
            let count = state.waiting.prefix { waiting in
                jobs += waiting.requests.count
                return jobs <= most || jobs == waiting.requests.count
            }.count
            defer { state.waiting.removeFirst(count) }
            return Array(state.waiting.prefix(count))
        }
        guard !together.isEmpty else { return }
        do {
            let claimed = try claim(together.flatMap(\.requests), lane)
            // A job of which two speak is the first one's; a wake-up is whose it was.
            var jobs = Dictionary(claimed.jobs.map { ($0.id, $0) }) { first, _ in first }
            let left = Set(claimed.rest.map(\.id))
            for waiting in together {
                waiting.continuation.resume(
                    returning: LeasedRunner.Claimed(
                        jobs: waiting.requests.compactMap { jobs.removeValue(forKey: $0.id) }, rest: waiting.requests.filter { left.contains($0.id) })
                )
            }
        } catch {
            for waiting in together { waiting.continuation.resume(throwing: error) }
        }
    }
}
