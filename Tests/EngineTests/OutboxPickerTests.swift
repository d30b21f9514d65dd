import Bytes
import JSON
import Postgres
import TestSupport
import Testing

@testable import Engine

/// Looking beside what is known and behind what was taken, where looking from the beginning is dear; here every look is.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct OutboxPickerTests {
    private let kinds = [TestKinds.kind("test.atomic", style: "atomic")]

    private func jobs(_ count: Int, of account: UInt64, priority: Int = 0) -> [NewJob] {
        (0..<count).map { _ in NewJob("test.atomic", [:], account: Identifier(high: 1, low: account), priority: priority) }
    }

    /// A relay that marks what it picks, and publishes nothing.
    private final class Marker {
        var picker: OutboxPicker
        private(set) var numbers = SettledNumbers()
        private(set) var givenOut: Int64 = 0
        private let connection: Connection

        init(_ settings: ConnectionSettings, most: Int) throws {
            picker = OutboxPicker(dear: .zero, most: most)
            var settings = settings
            settings.prefersIndexes = true
            settings.keepsIndexOrder = true
            connection = try Connection(settings)
        }

        func look() throws {
            let row = try connection.run(SQL.Relay.lookAround, 1000, false).only()
            givenOut = try row("given_out")
            numbers.saw(givenOut: givenOut, oldest: try row("oldest"), next: try row("next"))
        }

        /// One turn.
        func turn(slots: Int = 50) throws -> [Identifier] {
            try look()
            return try connection.transaction { connection in
                let ids: [Identifier] = try picker.pick(queue: "fast", slots: slots, settled: numbers.last, on: connection).map { try $0("job_id") }
                return try connection.run(SQL.Relay.markSent, ids).map { try $0("job_id") }
            }
        }

        /// How many entries of the ready rows' index were read by this session.
        func entriesRead() throws -> Int {
            _ = try connection.run(.once("select pg_stat_force_next_flush()"))
            let read = Statement("test.read", "select idx_tup_read::int8 as n from pg_stat_user_indexes where indexrelname = 'outbox_ready'")
            return try connection.run(read).only()("n")
        }
    }

    /// Turns until so many more are marked.
    private func take(_ count: Int, _ marker: Marker, slots: Int = 50) async throws -> [Identifier] {
        var ids: [Identifier] = []
        try await eventually("\(count) are picked") {
            ids += try marker.turn(slots: slots)
            return ids.count >= count
        }
        return ids
    }

    /// A marker that has taken so many jobs, and looks beside them from now on.
    private func settledIn(_ count: Int, _ rig: EngineRig, most: Int = 2000) async throws -> Marker {
        let marker = try Marker(rig.settings, most: most)
        _ = try await take(count, marker, slots: count / 3)
        try await eventually("looks are dear") {
            _ = try marker.turn()
            return marker.picker.isDear("fast")
        }
        // Whoever writes in any database of the server holds the numbers back, the other tests too.
        let number = marker.givenOut
        try await eventually("what was taken is settled") {
            try marker.look()
            return marker.numbers.last >= number
        }
        return marker
    }

    @Test func `flows are found beside those that are known, whatever their rank`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            for account: UInt64 in [10, 20, 30] { _ = try await rig.enqueue(jobs(40, of: account)) }
            let marker = try await settledIn(120, rig)
            var expected: [Identifier] = []
            func add(_ jobs: [NewJob]) async throws { expected += try await rig.enqueue(jobs).map(\.id) }
            // Between the known ones, before, behind, and of other ranks; and a job without an account.
            for account: UInt64 in [5, 15, 25, 35] { try await add(jobs(3, of: account)) }
            for priority in [-7, 3, 9] { try await add(jobs(3, of: 20, priority: priority)) }
            try await add([NewJob("test.atomic", [:])])
            let found = try await take(22, marker, slots: 4)
            #expect(found.count == Set(found).count, "none is picked twice")
            #expect(Set(found) == Set(expected))
        }
    }

    @Test func `more flows than one look takes have their turns all the same`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            _ = try await rig.enqueue((0..<150 as Range<UInt64>).flatMap { jobs(1, of: $0 * 2) })
            let marker = try await settledIn(150, rig, most: 20)
            // One more of each third, and some that are new between them and behind.
            let more = (0..<150 as Range<UInt64>).filter { $0 % 3 == 0 }.map { $0 * 2 } + [1, 77, 155, 201] + (1000..<1050)
            let expected = try await rig.enqueue(more.flatMap { jobs(1, of: $0) }).map(\.id)
            #expect(try await Set(take(expected.count, marker, slots: 30)) == Set(expected))
        }
    }

    @Test func `a job whose transaction commits late is found behind those with greater numbers`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            _ = try await rig.enqueue(jobs(120, of: 1))
            let marker = try await settledIn(120, rig)
            let open = try Connection(rig.settings)
            let ledger = rig.ledger
            try open.script("begin")
            let late = try ledger.enqueue(jobs(1, of: 1), on: open)[0].id
            // While it is the newest of all transactions, and when another one has overtaken it.
            for _ in 0..<3 { try marker.look() }
            let early = try await rig.enqueue(jobs(1, of: 1))[0].id
            #expect(try await take(1, marker) == [early])
            // It stays open for a while, and looks are taken.
            for _ in 0..<10 { try marker.look() }
            try open.script("commit")
            #expect(try await take(1, marker) == [late])
        }
    }

    @Test func `what comes back has a new number, and is found behind what was taken`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            let first = try await rig.enqueue(jobs(120, of: 1))[0].id
            let marker = try await settledIn(120, rig)
            let number = try await rig.number(of: first)
            try await rig.database.run { _ = try $0.run(SQL.Ledger.unsend, "fast") }
            #expect(try await rig.number(of: first) > number)
            #expect(try await Set(take(120, marker)).count == 120, "each once more")
            // Due again after a backoff.
            try await rig.script("update outbox set state = 'scheduled', sent_at = null, run_at = now() where job_id = '\(first)'")
            try marker.look()
            #expect(try await take(1, marker) == [first])
        }
    }

    @Test func `rows that were picked and not sent are picked again`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            _ = try await rig.enqueue(jobs(120, of: 1))
            let marker = try await settledIn(120, rig)
            let one = try await rig.enqueue(jobs(1, of: 1))[0].id
            for _ in 0..<10 { try marker.look() }
            let connection = try Connection(rig.settings)
            var rows: [Row] = []
            try await eventually("it is picked") {
                rows = try marker.picker.pick(queue: "fast", slots: 50, settled: .max, on: connection)
                return try rows.map { try $0("job_id") } == [one]
            }
            // Nothing else leads back to it before the net does.
            for _ in 0..<3 { #expect(try marker.picker.pick(queue: "fast", slots: 50, settled: .max, on: connection).isEmpty) }
            try marker.picker.stepBack(rows, in: "fast")
            #expect(try await take(1, marker) == [one])
        }
    }

    @Test func `under an old snapshot nobody walks over what the relay has taken`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            let reader = try Connection(rig.settings)
            try reader.script("begin isolation level repeatable read; select 1 from outbox limit 1")
            for account: UInt64 in 1...20 { _ = try await rig.enqueue(jobs(250, of: account)) }
            let marker = try await settledIn(5000, rig)
            try await rig.script("delete from outbox")
            // With its next look it goes over all that once more, and knows from then on that nothing is left. When it looks is for the clock to say.
            func read(_ body: () async throws -> Void) async throws -> Int {
                let before = try marker.entriesRead()
                try await body()
                return try marker.entriesRead() - before
            }
            func takeOne() async throws {
                let one = try await rig.enqueue(jobs(1, of: 7))[0].id
                #expect(try await take(1, marker) == [one])
            }
            var reads: [Int] = []
            for _ in 0..<40 { reads.append(try await read(takeOne)) }
            #expect(reads.count { $0 >= 1000 } <= 2, "\(reads)")
            // One without a memory.
            marker.picker = OutboxPicker(dear: .zero)
            #expect(try await read(takeOne) >= 5000, "all that was claimed is in the way")
            try reader.script("commit")
        }
    }

    @Test func `of rows that are all in others' hands none is picked`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            _ = try await rig.enqueue(jobs(3, of: 1))
            var picker = OutboxPicker(skipsLocked: true)
            let (holder, other) = (try Connection(rig.settings), try Connection(rig.settings))
            try holder.transaction { holder in
                _ = try holder.run(.once("select job_id from outbox for update"))
                #expect(try picker.pick(queue: "fast", slots: 10, on: other).isEmpty)
            }
            #expect(try picker.pick(queue: "fast", slots: 10, on: other).count == 3)
        }
    }
}
