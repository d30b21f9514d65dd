internal import Bytes
internal import Lanes
internal import Synchronization

/// Claims that wait for a lane; the lane that comes free makes all of them at once.
///
/// Each costs a commit whether it takes one job or sixty. Made one after the other, those that gathered while the lanes were busy would keep them busy for
/// as long again.
final class ClaimLine: Sendable {
    private struct Waiting: Sendable {
        let requests: [ClaimRequest]
        let continuation: CheckedContinuation<LeasedRunner.Claimed, any Error>
    }

    private let pool: LanePool<WorkLane>
    /// Jobs that are claimed together, if there is more than one claim.
    private let most: Int
    private let claim: @Sendable ([ClaimRequest], WorkLane) throws -> LeasedRunner.Claimed
    private let line = Mutex<[Waiting]>([])

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
            line.withLock { $0.append(Waiting(requests: requests, continuation: continuation)) }
            // One call of a lane each: it may find that an earlier one has taken this claim along.
            if pool.submit({ [self] lane in claimWaiting(lane) }) { return }
            let left = line.withLock { waiting in
                defer { waiting = [] }
                return waiting
            }
            for waiting in left { waiting.continuation.resume(throwing: LanePoolStopped()) }
        }
    }

    private func claimWaiting(_ lane: WorkLane) {
        let together = line.withLock { waiting in
            var jobs = 0
            let count = waiting.prefix { one in
                jobs += one.requests.count
                return jobs <= most || jobs == one.requests.count
            }.count
            defer { waiting.removeFirst(count) }
            return Array(waiting.prefix(count))
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
