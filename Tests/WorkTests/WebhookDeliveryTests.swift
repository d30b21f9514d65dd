import Business
import Bytes
import Clocks
import Crypto
import Engine
import HTTPClient
import JSON
import Postgres
import TestSupport
import Testing
import Work

@Suite(.whole, .database(.millrace), .timeLimit(.minutes(5)))
struct WebhookDeliveryTests {
    @Test func `an event is sent once and logged with the job's end`() async throws {
        let sink = Sink { _, _ in .status(200, fields: ["Content-Type: text/plain"], body: Array("thanks".utf8)) }
        try await WorkRig.run { rig in
            let (endpoint, secret) = try await rig.endpoint(sink.url)
            let id = try await rig.send(to: endpoint, ["plan": ["id": "plan_ü"]])
            let log = try await rig.wait(id, for: .delivered)
            let job = try await rig.engine.job(log.delivery.jobID)
            #expect(job.state == .completed && job.attempt == 1)
            #expect(sink.received.count == 1)
            let request = try #require(sink.received.first)
            #expect(request.method == "POST" && request.target == "/hooks" && request["Content-Type"] == "application/json")
            #expect(String(decoding: request.body, as: UTF8.self) == log.body)
            try WebhookSignature.verify(
                request["webhook-signature"] ?? "", id: id.text("msg"), timestamp: request["webhook-timestamp"] ?? "", body: request.body,
                secrets: [secret], now: Instant.now.seconds)
            let attempt = try #require(log.attempts.first)
            #expect(log.attempts.count == 1 && attempt.status == 200 && attempt.responseBody == "thanks" && !attempt.responseTruncated)
            #expect(attempt.remoteAddress == "127.0.0.1" && attempt.durationMicroseconds > 0 && (attempt.timings[3] ?? 0) > 0)
            #expect(!attempt.json.text.contains("127.0.0.1"))
            let health = try await rig.read(endpoint)
            #expect(health.lastSuccessAt == attempt.startedAt && health.failures == 0)
        }
    }

    @Test(arguments: [ForeignVerifier.Library.standardwebhooks, .svix])
    func `the reference libraries accept what we send, with the new secret and during a rotation with the old one`(
        _ library: ForeignVerifier.Library
    ) async throws {
        let sink = Sink()
        try await WorkRig.run { rig in
            let (endpoint, old) = try await rig.endpoint(sink.url)
            let data: JSONValue = ["text": "Grüße \u{1F44B} \"quoted\"\n", "number": 0.1]
            try await rig.wait(rig.send(to: endpoint, data), for: .delivered)
            let caller = rig.reseller
            let rotated = try await rig.act { try $1.webhooks.rotateSecret(endpoint, by: caller, on: $0).1 }
            let new = try WebhookSecret(rotated.reveal)
            try await rig.wait(rig.send(to: endpoint, data), for: .delivered)
            let (before, during) = (sink.received[0], sink.received[1])
            #expect(during["webhook-signature"]?.split(separator: " ").count == 2)
            #expect(try await ForeignVerifier.verdict(library, before, secret: old) == "accepted")
            #expect(try await ForeignVerifier.verdict(library, during, secret: old) == "accepted")
            #expect(try await ForeignVerifier.verdict(library, during, secret: new) == "accepted")
            #expect(try await ForeignVerifier.verdict(library, before, secret: new).hasPrefix("refused"))
            var forged = during
            forged.body.append(UInt8(ascii: " "))
            #expect(try await ForeignVerifier.verdict(library, forged, secret: new).hasPrefix("refused"))
        }
    }

    @Test func `the seeds' form is the hexadecimal HMAC of the body under the secret's bytes`() async throws {
        let sink = Sink()
        try await WorkRig.run { rig in
            let (endpoint, old) = try await rig.endpoint(sink.url, form: .seed)
            try await rig.wait(rig.send(to: endpoint), for: .delivered)
            let caller = rig.reseller
            let rotated = try await rig.act { try $1.webhooks.rotateSecret(endpoint, by: caller, on: $0).1 }
            try await rig.wait(rig.send(to: endpoint), for: .delivered)
            let (before, during) = (sink.received[0], sink.received[1])
            #expect(before["X-Millrace-Event"] == "plan.purchased" && before["webhook-signature"] == nil)
            #expect(try JSONValue(parsing: before.body).object?.keys == ["event", "timestamp", "data"])
            #expect(try await ForeignVerifier.verdict(.seed, before, secret: old) == "accepted")
            #expect(try await ForeignVerifier.verdict(.seed, during, secret: WebhookSecret(rotated.reveal)) == "accepted")
            #expect(try await ForeignVerifier.verdict(.seed, during, secret: old).hasPrefix("refused"))
            // What a receiver that still has the old secret may look at.
            #expect(during["X-Millrace-Signature-Previous"] == WebhookSignature.hexadecimal(body: during.body, secret: old))
            #expect(before["X-Millrace-Signature-Previous"] == nil)
        }
    }

    @Test func `a failed attempt is followed by another under the same id with its own timestamp`() async throws {
        let sink = Sink { _, number in .status(number < 3 ? 500 : 200) }
        try await WorkRig.run {
            $0.definition["backoff"] = ["delays": ["1100ms"]]
        } _: { rig in
            let (endpoint, secret) = try await rig.endpoint(sink.url)
            let id = try await rig.send(to: endpoint)
            let log = try await rig.wait(id, for: .delivered)
            #expect(log.attempts.map(\.status) == [500, 500, 200] && log.attempts.map(\.attempt) == [1, 2, 3])
            #expect(sink.received.map { $0["webhook-id"] } == Array(repeating: id.text("msg"), count: 3))
            #expect(Set(sink.received.map(\.body)).count == 1)
            #expect(Set(sink.received.map { $0["webhook-timestamp"] }).count == 3)
            for request in sink.received {
                #expect(try await ForeignVerifier.verdict(.standardwebhooks, request, secret: secret) == "accepted")
            }
            let job = try await rig.engine.job(log.delivery.jobID)
            #expect(job.attempt == 3 && job.attempts.map { $0["code"]?.string } == ["http_500", "http_500"])
        }
    }

    @Test func `the schedule is the standard's`() throws {
        let definition = try #require(try Catalog.embedded().jobs["webhook.deliver"])
        let delays = (1...9).map { definition.backoff.range(afterAttempt: $0) }
        let standard: [Duration] = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400].map { .seconds($0) }
        #expect(definition.maxAttempts == 10)
        #expect(zip(delays, standard).allSatisfy { $0.contains($1) })
    }

    @Test func `a receiver says when to come back, in seconds or by a date, and is believed up to a day`() async throws {
        let later = Instant.now + .seconds(7200)
        let sink = Sink { request, _ in
            let status = request.target == "/500" ? 500 : 429
            let value = [
                "/seconds": "3600", "/date": HTTPDate.text(later), "/forever": "99999999999999999999", "/past": "Fri, 20 Nov 2020 17:55:50 GMT",
            ]
            return .status(status, fields: ["Retry-After: \(value[request.target] ?? "3600")"])
        }
        try await WorkRig.run {
            $0.definition["backoff"] = ["delays": ["60s"]]
        } _: { rig in
            func delay(_ path: String) async throws -> Duration {
                let (endpoint, _) = try await rig.endpoint("http://127.0.0.1:\(sink.port)/\(path)", events: ["test"])
                let caller = rig.reseller
                let sending = try await rig.act { try $1.webhooks.sendTest(endpoint, by: caller, on: $0) }
                try await eventually("the first attempt of \(path) is logged") { try await rig.log(sending.deliveryID).delivery.attempts == 1 }
                let log = try await rig.log(sending.deliveryID)
                #expect(log.delivery.state == .pending)
                return try #require(log.delivery.nextAttemptAt) - log.attempts[0].startedAt
            }
            // The test's own slowness lies between the attempt and its log, and the head's date between the request and the answer.
            func isNear(_ delay: Duration, _ expected: Duration) -> Bool { abs((delay - expected).components.seconds) < 20 }
            for (path, expected) in [("seconds", 3600), ("date", 7200), ("forever", 86_400)] {
                let delay = try await delay(path)
                #expect(isNear(delay, .seconds(expected)))
            }
            // Never sooner than the schedule.
            for path in ["past", "500"] {
                let delay = try await delay(path)
                #expect(isNear(delay, .seconds(60)))
            }
        }
    }

    @Test func `410 ends the delivery, disables the endpoint and cancels what waits for it`() async throws {
        let sink = Sink { _, _ in .status(410) }
        try await WorkRig.run { rig in
            let (endpoint, _) = try await rig.endpoint(sink.url)
            let id = try await rig.send(to: endpoint)
            let log = try await rig.wait(id, for: .failed)
            #expect(try await rig.engine.job(log.delivery.jobID).state == .dead)
            #expect(try await rig.read(endpoint).disabledReason == "the receiver answered 410 Gone")
            #expect(sink.received.count == 1)
        }
    }

    @Test func `an endpoint that keeps failing is disabled, its account told by its other endpoints, and the rest cancelled`() async throws {
        let broken = Sink { _, _ in .status(500) }
        let healthy = Sink()
        try await WorkRig.run { options in
            options.rules.webhookDisableAfterFailures = 3
            options.rules.webhookDisableAfter = .milliseconds(1)
        } _: { rig in
            let (failing, _) = try await rig.endpoint(broken.url)
            let (listening, _) = try await rig.endpoint(healthy.url, events: ["webhook.endpoint_disabled"])
            let id = try await rig.send(to: failing)
            let log = try await rig.wait(id, for: .cancelled)
            #expect(log.attempts.count == 3 && broken.received.count == 3)
            #expect(try await rig.read(failing).active == false)
            try await eventually("the notice arrives") { healthy.received.count == 1 }
            let notice = try JSONValue(parsing: healthy.received[0].body)
            #expect(notice["type"]?.string == "webhook.endpoint_disabled" && notice["data"]?["endpointId"]?.string == failing.text("we"))
            #expect(try await rig.read(listening).active)
            #expect(try await rig.count("select count(*) from audit_log where action = 'webhook_endpoint.disable'") == 1)
        }
    }

    @Test func `what waits for an endpoint that was deleted or deactivated meanwhile is never sent`() async throws {
        let sink = Sink()
        let rig = try await WorkRig.open()
        let (deleted, _) = try await rig.endpoint(sink.url)
        let (inactive, _) = try await rig.endpoint(sink.url)
        try await rig.emit()
        let waiting = [try await rig.deliveries(deleted)[0].id, try await rig.deliveries(inactive)[0].id]
        let caller = rig.reseller
        try await rig.act { connection, business in
            try business.webhooks.delete(deleted, by: caller, on: connection)
            var change = WebhookEndpointChange()
            change.active = false
            _ = try business.webhooks.update(inactive, change, by: caller, on: connection)
        }
        try await rig.engine.running {
            for id in waiting { try await rig.wait(id, for: .cancelled) }
        }
        #expect(sink.connections == 0)
        await rig.close()
    }

    @Test func `a replay sends the same bytes under the same id, and the attempts count on`() async throws {
        let sink = Sink()
        try await WorkRig.run { rig in
            let (endpoint, _) = try await rig.endpoint(sink.url)
            let id = try await rig.send(to: endpoint)
            try await rig.wait(id, for: .delivered)
            let caller = rig.reseller
            _ = try await rig.act { try $1.webhooks.replay(id, by: caller, on: $0) }
            try await eventually("it is sent again") { sink.received.count == 2 }
            let log = try await rig.wait(id, for: .delivered)
            #expect(log.attempts.map(\.attempt) == [1, 2])
            #expect(sink.received[0].body == sink.received[1].body && sink.received[0]["webhook-id"] == sink.received[1]["webhook-id"])
        }
    }

    @Test func `a delivery whose attempts are spent is failed, makes no event of its own, and is sent when its job is put back`() async throws {
        let sink = Sink { _, number in .status(number <= 2 ? 500 : 200) }
        try await WorkRig.run {
            $0.definition["maxAttempts"] = 2
        } _: { rig in
            let (endpoint, _) = try await rig.endpoint(sink.url, events: ["*"])
            let id = try await rig.send(to: endpoint)
            let dead = try await rig.wait(id, for: .failed)
            #expect(dead.attempts.count == 2)
            #expect(try await rig.engine.job(dead.delivery.jobID).state == .dead)
            #expect(try await rig.deliveries(endpoint).count == 1)
            let ledger = rig.engine.ledger
            try await rig.act { connection, _ in try ledger.retry(dead.delivery.jobID, on: connection) }
            let log = try await rig.wait(id, for: .delivered)
            #expect(log.attempts.map(\.status) == [500, 500, 200])
        }
    }

    @Test func `a hundred events for three endpoints each arrive once`() async throws {
        let sinks = [Sink(), Sink(), Sink()]
        try await WorkRig.run { rig in
            for sink in sinks { _ = try await rig.endpoint(sink.url) }
            let account = rig.north
            for number in 0..<100 {
                try await rig.act { try $1.webhooks.emit(.planPurchased, account: account, data: ["n": .int(Int64(number))], on: $0) }
            }
            try await eventually("all are delivered", within: .seconds(60)) {
                try await rig.count("select count(*) from webhook_deliveries where state = 'delivered'") == 300
            }
            for sink in sinks {
                let numbers = try sink.received.map { try JSONValue(parsing: $0.body)["data"]?["n"]?.int ?? -1 }
                #expect(numbers.sorted() == Array(0..<100))
                #expect(Set(sink.received.map { $0["webhook-id"] }).count == 100)
            }
        }
    }
}
