import Bytes
import Clocks
import JSON
import Lanes
import Postgres
import Synchronization
import Testing

@testable import Engine

/// Claims that wait for a lane are made together, and each gets what is its own.
@Suite(.timeLimit(.minutes(1)))
struct ClaimLineTests {
    private struct Refused: Error {}

    /// One lane, which the test keeps busy, and what was claimed on it.
    private final class Desk: Sendable {
        let pool: LanePool<WorkLane>
        let busy = Barrier()
        let calls = Mutex<[[Identifier]]>([])

        init() throws {
            let settings = try ConnectionSettings(url: "postgresql://nobody@127.0.0.1:1/none")
            pool = LanePool("test", count: 1) { _ in WorkLane(settings) }
            pool.submit { [busy] _ in busy.pass() }
        }

        func line(most: Int, claim: @escaping @Sendable ([ClaimRequest]) throws -> LeasedRunner.Claimed) -> ClaimLine {
            ClaimLine(pool: pool, most: most) { [self] requests, _ in
                calls.withLock { $0.append(requests.map(\.id)) }
                return try claim(requests)
            }
        }
    }

    private static func requests(_ count: Int) -> [ClaimRequest] {
        (0..<count).map { _ in ClaimRequest(id: .next(), publish: 1, kind: "test.leased") }
    }

    private static func claimed(_ id: Identifier) -> ClaimedJob {
        ClaimedJob(
            id: id, kind: "test.leased", queue: "fast", accountID: nil, actorID: nil, createdAt: .now, runAt: .now, attempt: 1, maxAttempts: 5,
            payload: [:], checkpoint: nil, trace: nil, lease: nil, deaths: 0, suspect: false, cancelled: false, startedAt: .now, limitKey: nil,
            payloadFault: nil)
    }

    /// The outcomes of claims that all wait while the lane is busy.
    private static func outcomes(
        _ line: ClaimLine, _ desk: Desk, _ batches: [[ClaimRequest]]
    ) async throws -> [Result<LeasedRunner.Claimed, any Error>] {
        try await withThrowingTaskGroup(of: (Int, Result<LeasedRunner.Claimed, any Error>).self) { group in
            for (index, batch) in batches.enumerated() {
                group.addTask {
                    do { return (index, .success(try await line.claim(batch))) } catch { return (index, .failure(error)) }
                }
                // In this order.
                while desk.pool.waiting <= index { await Task.yield() }
            }
            desk.busy.open()
            return try await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    @Test func `what gathered while the lanes were busy is one claim, as far as it may be so large`() async throws {
        let desk = try Desk()
        let batches = [Self.requests(2), Self.requests(3), Self.requests(4), Self.requests(9), Self.requests(1)]
        let line = desk.line(most: 6) { LeasedRunner.Claimed(rest: $0) }
        let outcomes = try await Self.outcomes(line, desk, batches)
        #expect(
            desk.calls.withLock { $0 } == [
                Array((batches[0] + batches[1]).map(\.id)), batches[2].map(\.id), batches[3].map(\.id), batches[4].map(\.id),
            ])
        for (batch, outcome) in zip(batches, outcomes) { #expect(try outcome.get().rest.map(\.id) == batch.map(\.id)) }
    }

    @Test func `a job of which two wake-ups speak is the first one's, and its second wake-up is done with`() async throws {
        let desk = try Desk()
        let twice = Self.requests(1)[0]
        let (one, other) = (Self.requests(1) + [twice], [twice] + Self.requests(1))
        let line = desk.line(most: 10) { requests in
            let taken = twice.id
            return LeasedRunner.Claimed(jobs: [Self.claimed(taken)], rest: requests.filter { $0.id != taken })
        }
        let outcomes = try await Self.outcomes(line, desk, [one, other]).map { try $0.get() }
        #expect(outcomes.map { $0.jobs.map(\.id) } == [[twice.id], []])
        #expect(outcomes.map { $0.rest.map(\.id) } == [[one[0].id], [other[1].id]])
    }

    @Test func `a claim that fails has failed for all whose it was`() async throws {
        let desk = try Desk()
        let line = desk.line(most: 10) { _ in throw Refused() }
        for outcome in try await Self.outcomes(line, desk, [Self.requests(1), Self.requests(1)]) {
            #expect(throws: Refused.self) { try outcome.get() }
        }
        #expect(desk.calls.withLock { $0.count } == 1)
    }

    @Test func `nothing is claimed once the lanes have stopped`() async throws {
        let desk = try Desk()
        let line = desk.line(most: 10) { LeasedRunner.Claimed(rest: $0) }
        desk.busy.open()
        desk.pool.stop()
        await #expect(throws: LanePoolStopped.self) { try await line.claim(Self.requests(1)) }
        #expect(desk.calls.withLock { $0.isEmpty })
    }
}
