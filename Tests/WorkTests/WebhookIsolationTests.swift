import Business
import Bytes
import Clocks
import Crypto
import Engine
import JSON
import Postgres
import Synchronization
import TestSupport
import Testing
import Work

/// One receiver's trouble is no other's: hanging, failing and overloaded endpoints beside healthy ones, on the whole engine.
@Suite(.whole, .database(.millrace), .timeLimit(.minutes(5)))
struct WebhookIsolationTests {
    @Test func `an endpoint that accepts and never answers does not hold up the others`() async throws {
        let hanging = Sink { _, _ in .hang }
        let healthy = Sink()
        try await WorkRig.run { options in
            options.rules.breaker.slowAfter = .milliseconds(200)
            options.webhooks.timeout = .seconds(20)
        } _: { rig in
            let (slow, _) = try await rig.endpoint(hanging.url, events: ["plan.expired"])
            let (quick, _) = try await rig.endpoint(healthy.url, events: ["plan.purchased"])
            // Three times as many as there are places, and before the others.
            try await rig.emit(.planExpired, times: 24)
            try await eventually("the places are taken") { hanging.received.count >= 8 }
            try await rig.emit(.planPurchased, times: 60)
            try await eventually("the healthy endpoint has all of its own") {
                try await rig.deliveries(quick).filter { $0.state == .delivered }.count == 60
            }
            #expect(try await rig.deliveries(slow).allSatisfy { $0.state == .pending && $0.attempts == 0 }, "they still wait for their answer")
            #expect(try await rig.read(slow).isSlow)
            try await rig.emit(.planExpired, times: 1)
            #expect(try await rig.count("select count(*) from jobs where queue = 'webhook-slow'") > 0)
            #expect(Set(healthy.received.compactMap { $0["webhook-id"] }).count == 60)
        }
    }

    @Test func `no more deliveries are on their way than an endpoint takes, what waits is parked`() async throws {
        let hanging = Sink { _, _ in .hang }
        try await WorkRig.run { options in
            options.rules.breaker.slowAfter = .seconds(60)
            options.webhooks.timeout = .seconds(2)
        } _: { rig in
            let (endpoint, _) = try await rig.endpoint(hanging.url)
            let caller = rig.reseller
            var change = WebhookEndpointChange()
            change.maximumInFlight = 2
            try await rig.act { [change] in _ = try $1.webhooks.update(endpoint, change, by: caller, on: $0) }
            try await rig.emit(.planPurchased, times: 6)
            var most = 0
            try await eventually("each has had an attempt", within: .seconds(60)) {
                most = max(most, try await rig.count("select count(*) from running_jobs"))
                return try await rig.deliveries(endpoint).allSatisfy { $0.attempts > 0 }
            }
            #expect(most == 2)
        }
    }

    @Test func `the breaker spares a receiver that is down, probes, ramps up, and nothing is lost or unsigned`() async throws {
        let isUp = Atomic<Bool>(false)
        let sink = Sink { _, _ in isUp.load(ordering: .relaxed) ? .status(204) : .status(500) }
        try await WorkRig.run { options in
            options.rules.breaker.failuresToOpen = 4
            options.rules.breaker.firstPause = .milliseconds(300)
            options.rules.breaker.longestPause = .milliseconds(600)
        } _: { rig in
            let (endpoint, secret) = try await rig.endpoint(sink.url)
            try await rig.emit(.planPurchased, times: 40)
            try await eventually("the breaker opens and probes") { try await rig.read(endpoint).phase != .closed && sink.received.count > 12 }
            // What waits has spent nothing: only those that were sent count an attempt.
            let attempts = try await rig.deliveries(endpoint).map(\.attempts).reduce(0, +)
            #expect(attempts <= sink.received.count)
            isUp.store(true, ordering: .relaxed)
            try await eventually("all are delivered", within: .seconds(60)) {
                try await rig.deliveries(endpoint).allSatisfy { $0.state == .delivered }
            }
            #expect(try await rig.read(endpoint).phase == .closed)
            let accepted = sink.received
            for request in accepted {
                try WebhookSignature.verify(
                    request["webhook-signature"] ?? "", id: request["webhook-id"] ?? "", timestamp: request["webhook-timestamp"] ?? "",
                    body: request.body, secrets: [secret], now: Instant.now.seconds)
            }
            #expect(Set(accepted.compactMap { $0["webhook-id"] }).count == 40)
            #expect(try await rig.count("select count(*) from finished_jobs where state = 'dead'") == 0)
        }
    }

    @Test func `after an outage what waited comes back at once, what has failed too, hours before its time`() async throws {
        let isUp = Atomic<Bool>(false)
        let sink = Sink { _, _ in isUp.load(ordering: .relaxed) ? .status(204) : .status(500) }
        try await WorkRig.run { options in
            options.rules.breaker.failuresToOpen = 4
            options.rules.breaker.firstPause = .seconds(3600)
            options.rules.breaker.longestPause = .seconds(3600)
            options.definition = ["backoff": ["delays": ["2h"]]]
        } _: { rig in
            let (endpoint, _) = try await rig.endpoint(sink.url)
            try await rig.emit(.planPurchased, times: 40)
            try await eventually("some have failed, some were told to wait, the others are parked") {
                let failed = try await rig.count(
                    "select count(*) from jobs j join outbox o on o.job_id = j.id where attempt > 0 and o.state = 'scheduled'")
                let held = try await rig.count("select count(*) from jobs j where attempt = 0 and run_at > now()")
                let parked = try await rig.count("select count(*) from outbox where state = 'parked'")
                return failed >= 4 && held >= 2 && parked >= 10
            }
            let sent = sink.received.count
            isUp.store(true, ordering: .relaxed)
            try await rig.act { connection, _ in try connection.script("update webhook_endpoint_health set until = now()") }
            try await eventually("all are delivered", within: .seconds(30)) {
                try await rig.deliveries(endpoint).allSatisfy { $0.state == .delivered }
            }
            #expect(sink.received.count == sent + 40)
            #expect(try await rig.read(endpoint).phase == .closed)
            try await eventually("the returns have ended") {
                try await rig.count("select count(*) from finished_jobs where kind = 'webhook.resume' and state = 'completed'") == 2
            }
        }
    }

    @Test func `a ramp begins with two on their way over all workers, whatever has been waiting`() async throws {
        // 0: down; 1: the probe is answered; from then on it accepts and does not answer.
        let stage = Atomic<Int>(0)
        let sink = Sink { _, _ in
            switch stage.load(ordering: .relaxed) {
            case 0: .status(500)
            case 1 where stage.compareExchange(expected: 1, desired: 2, ordering: .relaxed).exchanged: .status(204)
            default: .hang
            }
        }
        try await WorkRig.run { options in
            options.rules.breaker.failuresToOpen = 4
            options.rules.breaker.firstPause = .seconds(3600)
            options.rules.breaker.longestPause = .seconds(3600)
            options.rules.breaker.slowAfter = .seconds(60)
            options.webhooks.timeout = .seconds(20)
            options.definition = ["backoff": ["delays": ["2h"]]]
        } _: { rig in
            let second = try rig.engine.worker()
            second.start()
            let (endpoint, _) = try await rig.endpoint(sink.url)
            try await rig.emit(.planPurchased, times: 40)
            try await eventually("it is open, and nothing is on its way") {
                let parked = try await rig.count("select count(*) from outbox where state = 'parked'")
                let running = try await rig.count("select count(*) from jobs where id not in (select job_id from outbox)")
                return parked >= 10 && running == 0
            }
            let sent = sink.received.count
            stage.store(1, ordering: .relaxed)
            try await rig.act { connection, _ in try connection.script("update webhook_endpoint_health set until = now()") }
            try await eventually("what has been brought back is parked behind the first two", within: .seconds(15)) {
                let returns = try await rig.count("select count(*) from finished_jobs where kind = 'webhook.resume'")
                let others = try await rig.count("select count(*) from outbox where state <> 'parked'")
                let running = try await rig.count("select count(*) from jobs where id not in (select job_id from outbox)")
                return returns == 1 && others == 0 && running == 2
            }
            #expect(sink.received.count == sent + 3)
            #expect(try await rig.read(endpoint).phase == .ramping)
            await offPool { _ = second.stop() }
        }
    }

    @Test func `a receiver that answers 429 is left alone as long as it asks, with all of its deliveries`() async throws {
        let sink = Sink { _, number in number == 1 ? .status(429, fields: ["Retry-After: 2"]) : .status(204) }
        try await WorkRig.run { _ in
        } _: { rig in
            let (endpoint, _) = try await rig.endpoint(sink.url)
            try await rig.emit(.planPurchased, times: 1)
            try await eventually("it has asked for a pause") { try await rig.read(endpoint).phase == .open }
            try await rig.emit(.planPurchased, times: 10)
            try await eventually("all are delivered", within: .seconds(60)) {
                let deliveries = try await rig.deliveries(endpoint)
                return deliveries.count == 11 && deliveries.allSatisfy { $0.state == .delivered }
            }
            let times = sink.received.map(\.at)
            #expect(times[1] - times[0] >= 1_900_000_000, "nobody called it in the pause")
            #expect(sink.received.count == 12)
            #expect(try await rig.deliveries(endpoint).map(\.attempts).sorted() == Array(repeating: 1, count: 10) + [2])
        }
    }
}

extension WorkRig {
    /// Emits so many events of the reseller.
    func emit(_ type: WebhookEventType, times: Int) async throws {
        let account = north
        try await act { connection, business in
            for number in 0..<times {
                try business.webhooks.emit(type, account: account, data: ["number": .int(Int64(number))], on: connection)
            }
        }
    }
}
