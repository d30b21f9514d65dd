import Business
import Clocks
import Engine
import HTTPClient
import JSON
import TestSupport
import Testing
import Work

@Suite(.whole, .database(.millrace), .timeLimit(.minutes(5)))
struct WebhookFailureTests {
    struct Failure: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var code: String
        var answer: Sink.Answer
    }

    static let failures = [
        Failure(testDescription: "no answer", code: "timed_out", answer: .hang),
        Failure(testDescription: "closed without a word", code: "broken_response", answer: .cut),
        Failure(testDescription: "half a head", code: "broken_response", answer: .bytes("HTTP/1.1 200 OK\r\nContent-Le")),
        Failure(testDescription: "half a body", code: "broken_response", answer: .bytes("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")),
        Failure(testDescription: "no HTTP", code: "broken_response", answer: .bytes("SSH-2.0-OpenSSH_9.2\r\n")),
        Failure(testDescription: "an error", code: "http_503", answer: .status(503)),
        Failure(testDescription: "a client's error", code: "http_404", answer: .status(404)),
        Failure(testDescription: "not quite a success", code: "http_304", answer: .status(304)),
    ]

    @Test(arguments: failures)
    func `an answer that is none is a failed attempt with a code that says so`(_ failure: Failure) async throws {
        let sink = Sink { _, _ in failure.answer }
        try await WorkRig.run { options in
            options.definition["maxAttempts"] = 1
            if failure.code == "timed_out" { options.webhooks.timeout = .milliseconds(400) }
        } _: { rig in
            let (endpoint, _) = try await rig.endpoint(sink.url)
            let log = try await rig.wait(rig.send(to: endpoint), for: .failed)
            #expect(log.attempts.map(\.errorCode) == [failure.code])
            #expect(log.attempts[0].durationMicroseconds > 0 && log.attempts[0].error?.isEmpty == false)
            let job = try await rig.engine.job(log.delivery.jobID)
            #expect(job.state == .dead && job.errorCode == failure.code)
            #expect(try await rig.read(endpoint).failures == 1)
        }
    }

    @Test func `nobody there, no such name and no TLS are told apart`() async throws {
        let plain = Sink()
        var closed = Sink()
        let free = closed.port
        closed = Sink()
        try await WorkRig.run { options in
            options.definition["maxAttempts"] = 1
            options.resolver = Resolver { $0 == "away.example" ? .failure(.notFound) : .failure(.unavailable) }
        } _: { rig in
            let cases = [
                ("http://127.0.0.1:\(free)/", "connect_failed"), ("http://away.example/", "name_not_resolved"),
                ("http://busy.example/", "name_not_resolved"), ("https://127.0.0.1:\(plain.port)/", "tls_failed"),
                ("ftp://127.0.0.1/", "invalid_url"),
            ]
            for (url, code) in cases {
                let (endpoint, _) = try await rig.endpoint(url, events: ["test"])
                let caller = rig.reseller
                let sending = try await rig.act { try $1.webhooks.sendTest(endpoint, by: caller, on: $0) }
                let log = try await rig.wait(sending.deliveryID, for: .failed)
                #expect(log.attempts.map(\.errorCode) == [code])
            }
        }
        withExtendedLifetime(closed) {}
    }

    @Test func `a redirect is a failure and leads nowhere`() async throws {
        let inside = Sink()
        let sink = Sink { _, _ in .status(302, fields: ["Location: \(inside.url)"]) }
        try await WorkRig.run {
            $0.definition["maxAttempts"] = 1
        } _: { rig in
            let (endpoint, _) = try await rig.endpoint(sink.url)
            let log = try await rig.wait(rig.send(to: endpoint), for: .failed)
            #expect(log.attempts.map(\.errorCode) == ["http_302"])
            #expect(inside.connections == 0)
        }
    }

    @Test func `of an answer four kilobytes are kept, as text that can do no harm`() async throws {
        let nasty: [UInt8] = Array("a\u{0}b\u{1B}[31m\u{202E}c\u{2028}\u{9F}\n\td".utf8) + [0xFF, 0xC3]
        let sink = Sink { request, _ in .status(500, body: request.target == "/long" ? Array(repeating: 0x07, count: 1 << 20) : nasty) }
        try await WorkRig.run {
            $0.definition["maxAttempts"] = 1
        } _: { rig in
            func attempt(_ path: String) async throws -> WebhookAttempt {
                let (endpoint, _) = try await rig.endpoint("http://127.0.0.1:\(sink.port)/\(path)", events: ["test"])
                let caller = rig.reseller
                let sending = try await rig.act { try $1.webhooks.sendTest(endpoint, by: caller, on: $0) }
                return try await rig.wait(sending.deliveryID, for: .failed).attempts[0]
            }
            let short = try await attempt("short")
            #expect(short.responseBody == "a\u{FFFD}b\u{FFFD}[31m\u{FFFD}c\u{FFFD}\u{FFFD}\n\td\u{FFFD}\u{FFFD}" && !short.responseTruncated)
            let long = try await attempt("long")
            #expect(long.responseTruncated)
            #expect((4000...4096).contains(long.responseBody?.utf8.count ?? 0))
        }
    }

    @Test func `a delivery that is cancelled while it is sent logs nothing against its receiver`() async throws {
        let sink = Sink { _, _ in .hang }
        try await WorkRig.run { rig in
            let (endpoint, _) = try await rig.endpoint(sink.url)
            let id = try await rig.send(to: endpoint)
            try await eventually("it is being sent") { sink.received.count == 1 }
            let (job, ledger) = (try await rig.log(id).delivery.jobID, rig.engine.ledger)
            try await rig.act { connection, _ in _ = try ledger.cancel(job, actor: nil, on: connection) }
            try await rig.engine.wait(job, for: .cancelled)
            let log = try await rig.log(id)
            #expect(log.delivery.state == .cancelled && log.attempts.isEmpty)
            #expect(try await rig.read(endpoint).failures == 0)
        }
    }
}
