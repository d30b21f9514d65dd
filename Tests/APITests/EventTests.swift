import Business
import Bytes
import Engine
import HTTPClient
import JSON
import Postgres
import TestSupport
import Testing

@testable import API

/// The stream of what happens.
@Suite(.database(.millrace)) struct EventTests {
    @Test func `a purchase is told as it goes, to its account and those above, and to nobody else`() async throws {
        try await APIRig.run { rig in
            let (north, below, south) = (try await rig.login("north"), try await rig.login("north-east"), try await rig.login("south"))
            let streams = [north.stream(), below.stream(), south.stream()]
            try await eventually("the streams are open") { streams.allSatisfy { $0.data("hello").count == 1 } }
            let plan = try await below.plan()
            for stream in streams.prefix(2) {
                try await eventually("the job and the plan are told") {
                    stream.data("job").contains { $0["kind"] == "plan.purchase" && $0["state"] == "queued" }
                        && stream.data("plan").contains { $0["action"] == "plan.purchased" && $0["planId"]?.string == plan }
                }
            }
            // Something of their own is told, so what was before would have been told by now.
            let own = try await south.plan()
            try await eventually("the stranger hears of their own") { streams[2].data("plan").contains { $0["planId"]?.string == own } }
            #expect(streams[2].data("plan").allSatisfy { $0["planId"]?.string == own })
            #expect(streams[2].data("job").allSatisfy { $0["accountId"]?.string == rig.world.south.text("acct") })
            #expect(!streams[0].events.contains { "\($0.data)".contains("password") })
            for stream in streams { stream.close() }
        }
    }

    @Test func `a job that comes and goes between two looks is told all the same`() async throws {
        try await APIRig.run(settings: { $0.eventInterval = .milliseconds(100) }) { rig in
            let north = try await rig.login("north")
            let stream = north.stream()
            try await eventually("the stream is open") { stream.data("hello").count == 1 }
            let owner = rig.world.north
            let id = try await rig.act { connection, business in
                let job = try business.ledger.enqueue(NewJob("retention.sweep", .object([:]), account: owner), on: connection).id
                _ = try business.ledger.cancel(job, actor: nil, on: connection)
                return job
            }
            try await eventually("its end is told") {
                stream.data("job").contains { $0["id"]?.string == id.text("job") && $0["state"] == "cancelled" }
            }
            stream.close()
        }
    }

    @Test func `one job can be followed, from the state that it has`() async throws {
        try await APIRig.run { rig in
            let (north, south) = (try await rig.login("north"), try await rig.login("south"))
            let check = try await north.post("/plans/check-price", ["product": "residential", "quantity": 1])
            let bought = try await north.post("/plans", ["priceCheckId": check["id"].orThrow()])
            let job = try #require(bought["job"]?["id"]?.string)
            let stream = north.stream("/events?jobId=" + job)
            try await eventually("its state is told at once") { stream.data("job").first?["state"] == "queued" }
            _ = try await north.plan()
            _ = try await rig.act { connection, business in
                try business.ledger.cancel(Identifier(job, prefix: "job").orThrow(), actor: nil, on: connection)
            }
            try await eventually("its end is told") { stream.data("job").contains { $0["state"] == "cancelled" } }
            #expect(stream.data("job").allSatisfy { $0["id"]?.string == job })
            #expect(stream.data("plan").isEmpty)
            let foreign = try await south.get("/events?jobId=" + job)
            #expect(foreign.status == 404)
            stream.close()
        }
    }

    @Test func `the operator's staff hear how the queues stand`() async throws {
        try await APIRig.run { rig in
            let (admin, north) = (try await rig.login("admin"), try await rig.login("north"))
            let (staff, reseller) = (admin.stream(), north.stream())
            try await eventually("the figures are told") {
                staff.data("queues").first?["data"]?.array?.contains { $0["queue"] == "purchase" } == true
            }
            #expect(reseller.data("queues").isEmpty)
            for stream in [staff, reseller] { stream.close() }
            try await eventually("the streams are forgotten") {
                String(decoding: try await rig.nobody.get("/metrics").body, as: UTF8.self).contains("millrace_http_event_streams 0")
            }
        }
    }

    @Test func `a stream is not opened by nobody, and ends when the service stops`() async throws {
        let rig = try await APIRig.open()
        #expect(try await rig.nobody.get("/events").code == "authentication_required")
        #expect(try await rig.login("north").send(.head, "/events").status == 200)
        let stream = try await rig.login("north").stream()
        try await eventually("it is open") { stream.data("hello").count == 1 }
        await rig.close()
        try await eventually("it is over") { stream.isOver }
    }

    @Test func `who was let in once is asked again`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let viewer = try await rig.viewer(north, lifetime: .seconds(60))
            try await rig.database.run { try viewer.check($0) }
            _ = try await north.post("/auth/logout")
            await #expect(throws: (any Error).self) { try await rig.database.run { try viewer.check($0) } }
            let short = try await rig.viewer(try await rig.login("north"), lifetime: .zero)
            #expect(short.isOver(monotonicNanoseconds()))
            #expect(!viewer.isOver(monotonicNanoseconds()))
        }
    }

    @Test func `every change is told once, also of a job that comes back from the dead`() async throws {
        try await APIRig.run { rig in
            let owner = rig.world.north
            func look(_ look: EventLook) async throws -> (EventLook, [String]) {
                try await rig.database.run { connection in
                    var next = look
                    let changes = try next.look(on: connection, now: wallMicroseconds() / 1000).changes
                    return (next, changes.map { (try? JSONValue(parsing: $0.event.data))?["state"]?.string ?? $0.event.name })
                }
            }
            var (seen, told) = try await look(EventLook())
            #expect(told == [])
            let job = try await rig.act { connection, business in
                try business.ledger.enqueue(NewJob("retention.sweep", .object([:]), account: owner), on: connection).id
            }
            (seen, told) = try await look(seen)
            #expect(told == ["queued"])
            for _ in 0..<2 {
                _ = try await rig.act { connection, business in try business.ledger.cancel(job, actor: nil, on: connection) }
                _ = try await rig.act { connection, _ in try connection.run(.once("update finished_jobs set state = 'dead'")).affected }
                (seen, told) = try await look(seen)
                #expect(told == ["dead"])
                (seen, told) = try await look(seen)
                #expect(told == [])
                try await rig.act { connection, business in try business.ledger.retry(job, on: connection) }
                (seen, told) = try await look(seen)
                #expect(told == ["queued"])
            }
            (_, told) = try await look(seen)
            #expect(told == [])
        }
    }
}
