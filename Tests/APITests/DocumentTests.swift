import HTTPClient
import JSON
import Postgres
import TestSupport
import Testing

@testable import API

/// What stands beside the operations.
@Suite(.database(.millrace)) struct DocumentTests {
    @Test func `the description is served as it is, and only when it is new`() async throws {
        try await APIRig.run { rig in
            let answer = try await rig.nobody.get("/openapi.json")
            #expect(answer.status == 200)
            #expect(answer.body == Array(EmbeddedText.openAPI.utf8))
            let tag = try #require(answer.header("ETag"))
            let again = try await rig.client.send(
                ClientRequest(.get, "http://127.0.0.1:\(rig.port)/api/openapi.json", headers: ["If-None-Match": tag], destination: .trusted))
            #expect(again.status == 304)
            #expect(again.body.isEmpty)
        }
    }

    @Test func `the documentation page lists every operation and code, without script`() async throws {
        try await APIRig.run { rig in
            let answer = try await rig.nobody.get("/docs")
            #expect(answer.status == 200)
            let page = String(decoding: answer.body, as: UTF8.self)
            for operation in rig.contract.contract.operations {
                #expect(page.contains("<details id=\"\(operation.id)\">"), "\(operation.id)")
                #expect(page.contains("<code>\(operation.paths[0])</code>"), "\(operation.id)")
            }
            for code in rig.contract.codes.keys { #expect(page.contains("<code id=\"\(code)\">"), "\(code)") }
            #expect(!page.contains("<script"))
            #expect(!page.contains("style=\""))
            #expect(answer.header("Content-Security-Policy")?.contains("default-src 'none'; style-src 'self'") == true)
            let style = try await rig.nobody.get("/docs.css")
            #expect(style.header("Content-Type") == "text/css; charset=utf-8")
        }
    }

    @Test func `metrics count by operation, and are shown inside only`() async throws {
        try await APIRig.run { rig in
            _ = try await rig.login("north").get("/balance")
            _ = try await rig.nobody.get("/nothing/of/this/name")
            try await eventually("the requests are counted") {
                let text = String(decoding: try await rig.nobody.get("/metrics").body, as: UTF8.self)
                return text.contains("millrace_http_requests_total{operation=\"getBalance\",status=\"2xx\"} 1")
                    && text.contains("millrace_http_request_duration_seconds_count{operation=\"login\"} 1") && !text.contains("nothing/of")
            }
            let outside = try await rig.nobody.with("X-Forwarded-For", "203.0.113.7").get("/metrics")
            #expect(outside.status == 404)
        }
    }

    @Test func `without its database it lives, is not ready, and says so; and comes back by itself`() async throws {
        try await APIRig.run(settings: { $0.rateLimit = 1000 }) { rig in
            let north = try await rig.login("north").with("Idempotency-Key", "later")
            let check = try await north.post("/plans/check-price", ["product": "residential", "quantity": 1])
            let body: JSONValue = ["priceCheckId": try check["id"].orThrow()]
            let name = TestDatabase.current.name
            try await administrator { connection in
                try connection.script("alter database \(name) allow_connections false")
                try connection.run(.once("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1"), name)
            }
            for answer in [
                try await north.get("/balance"), try await north.post("/plans", body),
                try await rig.nobody.post("/auth/login", ["username": "a", "password": "b"]),
            ] {
                #expect(answer.status == 503)
                #expect(answer.code == "database_unavailable")
                #expect(answer.header("Retry-After") == "2")
                #expect(answer["detail"]?.string?.contains("postgres") == false)
            }
            #expect(try await rig.nobody.get("/healthz").status == 200)
            let ready = try await rig.nobody.get("/readyz")
            #expect(ready.status == 503)
            #expect(ready["database"] == "unreachable")
            #expect(try await rig.nobody.get("/openapi.json").status == 200)
            try await administrator { try $0.script("alter database \(name) allow_connections true") }
            try await eventually("it is ready again") { try await rig.nobody.get("/readyz").status == 200 }
            try await eventually("it serves again") { try await north.post("/plans", body).status == 202 }
            #expect(try await rig.count("select count(*)::int from plans") == 1)
        }
    }

    @Test func `who waits too long for a lock is told to try again, and nothing has happened`() async throws {
        try await APIRig.run(connection: { $0.lockTimeout = .milliseconds(200) }) { rig in
            let north = try await rig.login("north")
            let check = try await north.post("/plans/check-price", ["product": "residential", "quantity": 1])
            let body: JSONValue = ["priceCheckId": try check["id"].orThrow()]
            let settings = try TestDatabase.current.settings
            let blocker = Database(settings, lanes: 1, name: "blocker")
            let held = AsyncStream<Void>.makeStream()
            let gate = ReleaseGate()
            async let blocking: Void = blocker.transaction { connection in
                try connection.run(.once("select 1 as one from wallets for update"))
                held.continuation.finish()
                gate.wait()
            }
            for await _ in held.stream {}
            let answer = try await north.post("/plans", body)
            #expect(answer.status == 503)
            #expect(answer.code == "busy")
            #expect(answer.header("Retry-After") != nil)
            gate.open()
            try await blocking
            blocker.stop()
            #expect(try await north.post("/plans", body).status == 202)
        }
    }

    @Test func `what goes wrong inside is not told outside`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            _ = try await rig.act { connection, _ in try connection.script("alter view webhook_endpoint_states rename to gone") }
            let answer = try await north.get("/webhooks")
            #expect(answer.status == 500)
            #expect(answer.code == "internal_error")
            let text = String(decoding: answer.body, as: UTF8.self)
            for word in ["webhook_endpoint_states", "relation", "postgres", "SQL", "42P01"] { #expect(!text.contains(word)) }
            #expect(answer["requestId"]?.string?.hasPrefix("req_") == true)
        }
    }

    @Test func `every statement of the API fits the schema`() async throws {
        let database = try TestDatabase.current.lanes(1)
        for statement in APIStatements.all {
            try await database.run { connection in
                try connection.script("begin; prepare checked as \(statement.text); rollback; deallocate checked")
            }
        }
        database.stop()
    }

    private func administrator(_ body: @escaping @Sendable (Connection) throws -> Void) async throws {
        let database = Database(try ConnectionSettings(url: TestServers.postgres()), lanes: 1, name: "administrator")
        try await database.run { try body($0) }
        database.stop()
    }
}
