import Bytes
import JSON
import Postgres
import TestSupport
import Testing

@testable import Engine

/// What the maintenance does for the outbox as a whole.
@Suite(.database(.engine), .timeLimit(.minutes(2)))
struct OutboxCareTests {
    private let kinds = [TestKinds.kind("test.atomic", style: "atomic")]

    @Test func `what claims leave behind is removed, and an old snapshot is not pressed`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            _ = try await rig.enqueue((0..<2000).map { _ in NewJob("test.atomic", [:]) })
            let reader = try Connection(rig.settings)
            try reader.script("begin isolation level repeatable read; select 1 from outbox limit 1")
            try await rig.script("delete from outbox where job_id in (select job_id from outbox limit 1500)")
            let connection = try Connection(rig.settings)
            var vacuum = OutboxVacuum()
            func dead() throws -> Int { try connection.run(SQL.Maintenance.deadWaiting).only()("dead") }
            try await eventually("the server has counted them") { try dead() >= 1500 }
            try vacuum.round(connection)
            #expect(try dead() >= 1500, "somebody may still see them")
            try reader.script("commit")
            try await eventually("they are gone") {
                try vacuum.round(connection)
                return try dead() == 0
            }
            #expect(try await rig.value("select count(*) from outbox") == 500)
        }
    }

    @Test func `what costs more comes less often, each ten seconds while that is a twentieth of the time`() {
        let second: Int64 = 1_000_000_000
        #expect(Pace.rest(after: second / 1000, least: 2 * second) == 2 * second)
        #expect(Pace.rest(after: second / 50, least: 2 * second) == 4 * second)
        #expect(Pace.rest(after: second / 10, least: 2 * second) == 10 * second)
        #expect(Pace.rest(after: second, least: 2 * second) == 20 * second)
        #expect(Pace.rest(after: second / 1000, least: 60 * second) == 60 * second)
    }

    @Test func `a lost wake-up behind a long backlog is found within a few rounds`() async throws {
        try await EngineRig.with(kinds: kinds) { rig in
            for _ in 0..<6 { _ = try await rig.enqueue((0..<2000).map { _ in NewJob("test.atomic", [:]) }) }
            let last = "(select job_id from outbox order by publish desc limit 1)"
            try await rig.script("update outbox set sent_at = now() - interval '1 hour' where job_id = \(last)")
            let connection = try Connection(rig.settings)
            var resender = Resender(after: .seconds(30))
            var found: [Int] = []
            for round in 0..<6 { found.append(try resender.round(connection, now: Int64(round) * 3_600_000_000_000)) }
            #expect(found == [0, 0, 1, 0, 0, 0], "five thousand rows a round, and from the beginning again")
            #expect(try await rig.value("select count(*) from outbox where job_id = \(last) and sent_at is null and resends = 1") == 1)
        }
    }
}
