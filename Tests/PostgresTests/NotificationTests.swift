import Lanes
import Postgres
import TestSupport
import Testing

@Suite(.database) struct NotificationTests {
    @Test func `who listens is told, with the payload`() async throws {
        let settings = try TestDatabase.current.settings
        try await withConnection { connection in
            try connection.listen("jobs; \"odd\"")
            #expect(try connection.notifications(timeout: .zero).isEmpty)
            let sender = try Connection(settings)
            try sender.transaction { sender in
                try sender.notify("jobs; \"odd\"", "it's 5")
                try sender.notify("elsewhere")
            }
            let received = try connection.notifications(timeout: .seconds(10))
            #expect(received.map(\.channel) == ["jobs; \"odd\""])
            #expect(received.map(\.payload) == ["it's 5"])
            #expect(received.map(\.backendProcessID) == [sender.backendProcessID])
            try connection.unlisten("jobs; \"odd\"")
            try sender.notify("jobs; \"odd\"", "unheard")
            #expect(try connection.run(.once("SELECT 1")).count == 1)
            #expect(try connection.notifications(timeout: .zero).isEmpty)
        }
    }

    @Test func `a notification ends the wait`() async throws {
        let settings = try TestDatabase.current.settings
        try await withConnection { connection in
            try connection.listen("jobs")
            let thread = Thread("sender") {
                do { try Connection(settings).notify("jobs", "now") } catch { Issue.record(error) }
            }
            #expect(try connection.notifications(timeout: .seconds(20)).map(\.payload) == ["now"])
            thread.join()
        }
    }

    @Test func `a listener notices that its session is gone`() async throws {
        let settings = try TestDatabase.current.settings
        try await withConnection { connection in
            try connection.listen("jobs")
            try Connection(settings).run(.once("SELECT pg_terminate_backend($1)"), Int(connection.backendProcessID))
            let error = postgresError { _ = try connection.notifications(timeout: .seconds(20)) }
            #expect(error?.kind == .connectionLost)
            #expect(!connection.isUsable)
        }
    }
}
