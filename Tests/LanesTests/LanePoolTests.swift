import Glibc
import Lanes
import Synchronization
import Testing

@Suite struct LanePoolTests {
    /// What a lane owns: it knows the thread that made it, and is not `Sendable`.
    final class Resource {
        let lane: Int
        let thread = pthread_self()

        init(lane: Int) {
            self.lane = lane
        }

        var isAtHome: Bool { pthread_equal(thread, pthread_self()) != 0 }
    }

    struct Refusal: Error, Equatable {
        let number: Int
    }

    @Test func `work runs on the lanes' own threads and brings its result back`() async throws {
        let pool = LanePool("own", count: 3) { Resource(lane: $0) }
        let threads = try await withThrowingTaskGroup(of: pthread_t.self) { group in
            for _ in 0..<300 {
                group.addTask {
                    try await pool.run { resource in
                        #expect(resource.isAtHome)
                        return pthread_self()
                    }
                }
            }
            return try await group.reduce(into: Set<pthread_t>()) { $0.insert($1) }
        }
        #expect((1...3).contains(threads.count))
        pool.stop()
        #expect(pool.join(timeout: .seconds(30)))
    }

    @Test func `lanes work at the same time`() async throws {
        let pool = LanePool("same", count: 2) { Resource(lane: $0) }
        let first = Mailbox<Int>()
        let second = Mailbox<Int>()
        // Each waits for the other: with one lane neither would end.
        async let one = pool.run { _ -> Int? in
            second.put(1)
            return first.take(timeout: .seconds(30))
        }
        async let two = pool.run { _ -> Int? in
            first.put(2)
            return second.take(timeout: .seconds(30))
        }
        #expect(try await one == 2)
        #expect(try await two == 1)
        pool.stop()
        #expect(pool.join(timeout: .seconds(30)))
    }

    @Test func `what the work throws comes back, and the lane goes on`() async throws {
        let pool = LanePool("throwing", count: 1) { Resource(lane: $0) }
        for number in 0..<10 {
            await #expect(throws: Refusal(number: number)) { try await pool.run { _ in throw Refusal(number: number) } }
        }
        #expect(try await pool.run { $0.lane } == 0)
        pool.stop()
        #expect(pool.join(timeout: .seconds(30)))
    }

    @Test func `a lane makes its resource once, and only when it has work`() async throws {
        let made = Counter()
        let pool = LanePool("lazy", count: 1) { lane in
            made.add()
            return Resource(lane: lane)
        }
        #expect(made.value == 0)
        for _ in 0..<50 { try await pool.run { _ in } }
        #expect(made.value == 1)
        pool.stop()
        #expect(pool.join(timeout: .seconds(30)))
    }

    @Test func `ten thousand submissions are all done, each once`() {
        let pool = LanePool("many", count: 4) { Resource(lane: $0) }
        let done = Mutex([Int](repeating: 0, count: 10_000))
        let strangers = Counter()
        for number in 0..<10_000 {
            #expect(
                pool.submit { resource in
                    if !resource.isAtHome { strangers.add() }
                    done.withLock { $0[number] += 1 }
                })
        }
        pool.stop()
        #expect(pool.join(timeout: .seconds(60)))
        #expect(done.withLock { $0.allSatisfy { $0 == 1 } })
        #expect(strangers.value == 0)
        #expect(pool.waiting == 0)
    }

    @Test func `one lane works in the order of submission`() {
        let pool = LanePool("order", count: 1) { Resource(lane: $0) }
        let done = Mutex<[Int]>([])
        for number in 0..<2_000 { pool.submit { _ in done.withLock { $0.append(number) } } }
        pool.stop()
        #expect(pool.join(timeout: .seconds(60)))
        #expect(done.withLock { $0 } == Array(0..<2_000))
    }

    @Test func `after stop new work is refused and accepted work is done`() async throws {
        let pool = LanePool("stopped", count: 1) { Resource(lane: $0) }
        let gate = Mailbox<Never>()
        let done = Counter()
        pool.submit { _ in _ = gate.take() }
        for _ in 0..<5 { pool.submit { _ in done.add() } }
        pool.stop()
        #expect(!pool.submit { _ in done.add(100) })
        await #expect(throws: LanePoolStopped.self) { try await pool.run { _ in done.add(100) } }
        #expect(pool.waiting >= 5)
        #expect(!pool.join(timeout: .milliseconds(20)))
        gate.close()
        #expect(pool.join(timeout: .seconds(30)))
        #expect(done.value == 5)
    }

    @Test func `after join the lanes' resources are gone, released on their own lanes`() {
        final class Witness {
            let thread = pthread_self()
            let released: Mailbox<Bool>

            init(released: Mailbox<Bool>) {
                self.released = released
            }

            deinit { released.put(pthread_equal(thread, pthread_self()) != 0) }
        }
        let released = Mailbox<Bool>()
        let pool = LanePool("released", count: 1) { _ in Witness(released: released) }
        pool.submit { _ in }
        pool.stop()
        #expect(pool.join(timeout: .seconds(30)))
        #expect(released.takeAll(timeout: .zero) == [true])
    }

    @Test func `a pool that nobody holds lets its lanes end`() {
        let ended = Mailbox<Never>()
        final class Witness: Sendable {
            let ended: Mailbox<Never>

            init(ended: Mailbox<Never>) {
                self.ended = ended
            }

            deinit { ended.close() }
        }
        do {
            let pool = LanePool("left", count: 1) { _ in Witness(ended: ended) }
            pool.submit { _ in }
        }
        _ = ended.take(timeout: .seconds(30))
        #expect(ended.isClosed)
    }
}
