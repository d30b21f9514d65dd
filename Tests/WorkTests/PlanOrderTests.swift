import Business
import Bytes
import Clocks
import Crypto
import Engine
import JSON
import Postgres
import Synchronization
import Telemetry
import TestSupport
import Testing
import Work

/// `PlanOrderJob` and `PlanOrderExtensionJob` against an upstream that keeps its promises, but for what a test says.
@Suite(.whole, .database(.millrace), .timeLimit(.minutes(5)))
struct PlanOrderTests {
    /// Runs the body with a market that buys from this upstream.
    private func market(
        _ upstream: FakeUpstream, key: String = FakeUpstream.key, _ edit: (inout WorkRig.Options) -> Void = { _ in },
        _ body: (WorkRig) async throws -> Void
    ) async throws {
        try await WorkRig.run { options in
            options.kinds = ["plan.order", "plan.order_extension"]
            edit(&options)
        } _: { rig in
            try await rig.openMarket(upstream: upstream.url, key: key)
            try await body(rig)
        }
    }

    @Test func `an order is bought under the job's key, and its plan delivered with the upstream's credentials`() async throws {
        let upstream = FakeUpstream()
        try await market(upstream) { rig in
            let request = try await rig.buy(5)
            #expect(request.plan.status == .pending)
            let job = try await rig.engine.wait(request.jobID, for: .completed)
            #expect(job.result == ["planId": .string(request.plan.id.text("plan")), "status": "active"])
            let plan = try await rig.plan(request.plan.id)
            #expect(plan.status == .active && plan.username == "up-user" && plan.host == "edge.upstream.example" && plan.httpPort == 8000)
            #expect(plan.quotaBytes == 7_000_000_000 && plan.expiresAt == FakeUpstream.expiresAt && plan.providerReference == "plan_up1")
            let caller = rig.reseller
            let password = try await rig.act { try $1.plans.credentials(plan.id, by: caller, on: $0).password.reveal }
            #expect(password == FakeUpstream.password)
            let wallet = try await rig.wallet()
            #expect(wallet.balance == WorkRig.dollars("93.00") && wallet.held == .zero)

            #expect(upstream.bought == 1 && upstream.keys == [request.jobID.text("job")])
            let bodies = try upstream.requests.filter { $0.method == "POST" }.map { try JSONValue(parsing: $0.body) }
            #expect(
                bodies == [
                    ["quantity": 5, "product": "resi-1", "options": ["country": "DE"]],
                    ["priceCheckId": "check_1", "customerReference": .string(plan.id.text("plan"))],
                ])
        }
    }

    @Test func `each request to the upstream is logged, and nothing that is kept holds a secret`() async throws {
        let upstream = FakeUpstream()
        try await market(upstream) { rig in
            let request = try await rig.buy()
            try await rig.engine.wait(request.jobID, for: .completed)
            let staff = rig.staff
            let logged = try await rig.act {
                try $1.upstream.list(job: request.jobID, limit: 50, by: staff, on: $0).items.reversed() as [UpstreamRequest]
            }
            #expect(
                logged.map { "\($0.method) \($0.path) \($0.status ?? 0)" } == [
                    "POST /plans/check-price 200", "POST /plans 202", "GET /jobs/job_up1 200", "GET /plans/plan_up1 200",
                    "GET /plans/plan_up1/credentials 200",
                ])
            #expect(logged.allSatisfy { $0.success && $0.accountID == rig.north && $0.duration > .zero })
            let kept = try await rig.act { connection, _ -> String in
                try connection.run(
                    .once(
                        """
                        select concat((select string_agg(f::text, '') from finished_jobs f), (select string_agg(u::text, '') from upstream_requests u),
                                      (select string_agg(e::text, '') from webhook_events e), (select string_agg(a::text, '') from audit_log a),
                                      (select string_agg(p::text, '') from plans p))
                        """)
                ).only()(0)
            }
            for secret in [FakeUpstream.password, FakeUpstream.key] { #expect(!kept.contains(secret)) }
            #expect(kept.contains("check_1"))
        }
    }

    @Test func `an upstream that takes its time is looked at again without spending attempts, and meanwhile nobody can cancel`() async throws {
        let upstream = FakeUpstream(delivers: false)
        try await market(upstream) { rig in
            let request = try await rig.buy()
            try await eventually("the job has snoozed") {
                let job = try await rig.engine.job(request.jobID)
                return job.state == .queued && upstream.count(.job) > 3
            }
            let waiting = try await rig.plan(request.plan.id)
            #expect(waiting.status == .pending && waiting.orderedAt != nil && waiting.providerReference == "plan_up1")
            let caller = rig.reseller
            await #expect(throws: BusinessError.self) { _ = try await rig.act { try $1.plans.cancel(waiting.id, by: caller, on: $0) } }
            upstream.deliver()
            let job = try await rig.engine.wait(request.jobID, for: .completed)
            #expect(job.attempt == 1 && upstream.bought == 1 && upstream.count(.order) == 1)
            #expect(try await rig.plan(request.plan.id).status == .active)
        }
    }

    @Test func `an upstream in trouble is asked again under the same key with the same body, and sells once`() async throws {
        let upstream = FakeUpstream { step, number, moment in
            switch (step, moment) {
            // Two that did nothing, one that did everything and then failed.
            case (.order, .before) where number <= 2: FakeUpstream.problem(500, "internal_error")
            case (.order, .after) where number == 3: .status(502, body: Array("<html>bad gateway</html>".utf8))
            case (.credentials, .before) where number == 1: .status(200, body: Array("not json".utf8))
            default: nil
            }
        }
        try await market(upstream) { rig in
            let request = try await rig.buy()
            let job = try await rig.engine.wait(request.jobID, for: .completed)
            #expect(upstream.bought == 1 && upstream.keys == [request.jobID.text("job")] && upstream.count(.order) == 4)
            let orders = upstream.requests.filter { $0.target.hasSuffix("/plans") && $0.method == "POST" }
            #expect(Set(orders.map { $0["Idempotency-Key"] }).count == 1 && Set(orders.map(\.body)).count == 1)
            #expect(upstream.count(.quote) == 1)
            #expect(
                job.attempts.map { $0["code"]?.string }
                    == ["upstream_http_500", "upstream_http_500", "upstream_http_502", "upstream_answer_unreadable"])
            #expect(try await rig.wallet().balance == WorkRig.dollars("93.00"))
        }
    }

    @Test(arguments: [Sink.Answer.cut, .bytes("HTTP/1.1 202 Accepted\r\nContent-Length: 500\r\n\r\n{"), .bytes("HTTP/1.1 202 Acc")])
    func `an order whose answer was lost is found by its key, not bought again`(_ lost: Sink.Answer) async throws {
        let upstream = FakeUpstream { step, number, moment in step == .order && number == 1 && moment == .after ? lost : nil }
        try await market(upstream) { rig in
            let request = try await rig.buy()
            let job = try await rig.engine.wait(request.jobID, for: .completed)
            #expect(upstream.bought == 1 && upstream.count(.order) == 2)
            #expect(job.attempts.map { $0["code"]?.string } == ["upstream_answer_unknown"])
            #expect(try await rig.plan(request.plan.id).providerReference == "plan_up1")
            #expect(
                try await rig.count("select count(*) from upstream_requests where status is null and not success and error_code = 'broken_response'")
                    == 1)
            #expect(try await rig.count("select count(*) from wallet_entries where type = 'purchase'") == 1)
        }
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var step: FakeUpstream.Step
        var status: Int
        var code: String
        var testDescription: String { "\(status) \(code) to the \(step)" }
    }

    @Test(arguments: [
        Refusal(step: .order, status: 402, code: "insufficient_balance"), Refusal(step: .order, status: 422, code: "quantity_out_of_range"),
        Refusal(step: .quote, status: 404, code: "not_found"), Refusal(step: .quote, status: 409, code: "out_of_stock"),
    ])
    func `a refusal for good frees the money and cancels the plan`(_ refusal: Refusal) async throws {
        let upstream = FakeUpstream { step, _, moment in
            step == refusal.step && moment == .before ? FakeUpstream.problem(refusal.status, refusal.code) : nil
        }
        try await market(upstream) { rig in
            let request = try await rig.buy()
            let job = try await rig.engine.wait(request.jobID, for: .completed)
            #expect(job.result?["status"] == "cancelled" && job.result?["refusal"]?.string == refusal.code)
            let plan = try await rig.plan(request.plan.id)
            #expect(plan.status == .cancelled && plan.cancelReason?.contains(refusal.code) == true)
            let wallet = try await rig.wallet()
            #expect(wallet.balance == WorkRig.dollars("100") && wallet.held == .zero && upstream.bought == 0)
            #expect(try await rig.count("select count(*) from webhook_events where type = 'plan.cancelled'") == 1)
            #expect(try await rig.count("select count(*) from wallet_holds where state = 'released'") == 1)
        }
    }

    @Test(arguments: [
        Refusal(step: .order, status: 409, code: "price_check_used"), Refusal(step: .order, status: 422, code: "idempotency_key_reused"),
        Refusal(step: .order, status: 400, code: "malformed_json"),
    ])
    func `an answer that only people can judge leaves the money held and the job dead`(_ refusal: Refusal) async throws {
        let upstream = FakeUpstream { step, _, moment in
            step == refusal.step && moment == .before ? FakeUpstream.problem(refusal.status, refusal.code) : nil
        }
        try await market(upstream) { rig in
            let request = try await rig.buy()
            let job = try await rig.engine.wait(request.jobID, for: .dead)
            #expect(job.attempt == 1)
            #expect(try await rig.plan(request.plan.id).status == .pending)
            #expect(try await rig.wallet().held == WorkRig.dollars("7.00"))
            #expect(try await rig.count("select count(*) from webhook_events where type = 'job.dead'") == 1)
        }
    }

    @Test func `a refusal long after the order was sent is not believed, because the upstream may have forgotten the key`() async throws {
        let upstream = FakeUpstream { step, number, moment in
            guard step == .order else { return nil }
            return number == 1 ? (moment == .after ? .cut : nil) : FakeUpstream.problem(402, "insufficient_balance")
        }
        try await market(upstream) {
            $0.definition = ["backoff": ["delays": ["1s"]]]
        } _: { rig in
            let request = try await rig.buy()
            try await eventually("the first attempt is over") { try await rig.engine.job(request.jobID).attempts.count == 1 }
            let longAgo = (Instant.now - .seconds(21 * 3600)).text
            try await rig.act { connection, _ in
                try connection.script("update jobs set checkpoint = jsonb_set(checkpoint::jsonb, '{sentAt}', '\"\(longAgo)\"')::json")
            }
            let job = try await rig.engine.wait(request.jobID, for: .dead)
            #expect(job.errorCode == "order_unresolved")
            #expect(try await rig.wallet().held == WorkRig.dollars("7.00"))
        }
    }

    @Test func `a key that the upstream does not accept is for the operator: nothing is released, the job ends as dead`() async throws {
        let upstream = FakeUpstream()
        try await market(upstream, key: "up_live_wrong") {
            $0.definition["maxAttempts"] = 2
        } _: { rig in
            let request = try await rig.buy()
            let job = try await rig.engine.wait(request.jobID, for: .dead)
            #expect(job.attempt == 2 && job.errorCode == "upstream_unauthorized" && upstream.bought == 0)
            #expect(try await rig.plan(request.plan.id).status == .pending)
            #expect(try await rig.wallet().held == WorkRig.dollars("7.00"))
        }
    }

    @Test func `a price that expired before it was ordered is asked for again, under a key of its own`() async throws {
        let upstream = FakeUpstream { step, number, moment in
            step == .order && number == 1 && moment == .before ? FakeUpstream.problem(410, "price_check_expired") : nil
        }
        try await market(upstream) { rig in
            let request = try await rig.buy()
            try await rig.engine.wait(request.jobID, for: .completed)
            #expect(upstream.bought == 1 && upstream.keys == [request.jobID.text("job") + ".2"] && upstream.count(.quote) == 2)
        }
    }

    @Test func `an order that may have been sent is looked up by its own price, also when that has expired meanwhile`() async throws {
        let upstream = FakeUpstream(quoteLifetime: .zero) { step, number, moment in step == .order && number == 1 && moment == .after ? .cut : nil }
        try await market(upstream) { rig in
            let request = try await rig.buy()
            try await rig.engine.wait(request.jobID, for: .completed)
            #expect(upstream.bought == 1 && upstream.count(.quote) == 1 && upstream.count(.order) == 2)
        }
    }

    @Test func `a plan that was cancelled before its order was sent is not ordered`() async throws {
        let rigs = Mutex<WorkRig?>(nil)
        let plans = Mutex<Identifier?>(nil)
        let settings = try TestDatabase.current.settings
        // The cancel comes while the price is being asked for: the last moment in which it may.
        let upstream = FakeUpstream { step, _, moment in
            guard step == .quote, moment == .after, let rig = rigs.withLock({ $0 }), let plan = plans.withLock({ $0 }) else { return nil }
            do {
                try Connection(settings).transaction { _ = try rig.business.plans.cancel(plan, by: rig.reseller, on: $0) }
            } catch {
                Issue.record(error)
            }
            return nil
        }
        let rig = try await WorkRig.open { $0.kinds = ["plan.order", "plan.order_extension"] }
        try await rig.openMarket(upstream: upstream.url)
        let request = try await rig.buy()
        rigs.withLock { $0 = rig }
        plans.withLock { $0 = request.plan.id }
        try await rig.engine.running {
            let job = try await rig.engine.wait(request.jobID, for: .completed)
            #expect(job.result?["status"] == "cancelled")
        }
        #expect(upstream.count(.quote) == 1 && upstream.count(.order) == 0)
        #expect(try await rig.wallet().available == WorkRig.dollars("100"))
        rigs.withLock { $0 = nil }
        await rig.close()
    }

    @Test func `a worker that dies between the order and its completion costs nothing: bought once, charged once`() async throws {
        let upstream = FakeUpstream()
        let (ordered, released) = (Gate(), Gate())
        let log = LogBook()
        let rig = try await WorkRig.open { options in
            options.kinds = ["plan.order", "plan.order_extension"]
            options.log = .init("test", level: .warning, sink: { log.add($0) })
            options.around = { services in
                [
                    .leased(
                        "plan.order",
                        Followed(job: PlanOrderJob(services)) { _ in
                            guard !ordered.isOpen else { return }
                            ordered.open()
                            await released.wait()
                        })
                ]
            }
        }
        try await rig.openMarket(upstream: upstream.url)
        try await rig.losingWorker { lose in
            let request = try await rig.buy()
            await ordered.wait()
            try await lose(request.jobID)
            try await rig.engine.wait(request.jobID, for: .completed)
            released.open()
            try await eventually("the late end is fenced") { log.messages.contains { $0.contains("fenced") } }
            #expect(upstream.bought == 1 && upstream.count(.order) == 1)
            #expect(try await rig.plan(request.plan.id).status == .active)
            #expect(try await rig.wallet().balance == WorkRig.dollars("93.00"))
            #expect(try await rig.count("select count(*) from wallet_entries where type = 'purchase'") == 1)
        }
        await rig.close()
    }

    @Test func `a worker that dies while it waits for the order's answer has not bought twice`() async throws {
        let upstream = FakeUpstream { step, number, moment in step == .order && number == 1 && moment == .after ? .hang : nil }
        let rig = try await WorkRig.open { $0.kinds = ["plan.order", "plan.order_extension"] }
        try await rig.openMarket(upstream: upstream.url)
        try await rig.losingWorker { lose in
            let request = try await rig.buy()
            try await eventually("the order is at the upstream") { upstream.bought == 1 }
            try await lose(request.jobID)
            try await rig.engine.wait(request.jobID, for: .completed)
            #expect(upstream.bought == 1 && upstream.count(.order) == 2)
            #expect(try await rig.wallet().balance == WorkRig.dollars("93.00"))
        }
        await rig.close()
    }

    @Test func `an extension is bought upstream, charged once and takes the upstream's expiry`() async throws {
        let upstream = FakeUpstream { step, number, moment in step == .order && number == 2 && moment == .after ? .cut : nil }
        try await market(upstream) { rig in
            let bought = try await rig.buy(5)
            try await rig.engine.wait(bought.jobID, for: .completed)
            let request = try await rig.extend(bought.plan.id, by: 2)
            let job = try await rig.engine.wait(request.jobID, for: .completed)
            #expect(upstream.bought == 2 && upstream.keys.contains(request.jobID.text("job")) && job.attempt == 2)
            let plan = try await rig.plan(bought.plan.id)
            #expect(plan.quantity == 7 && plan.quotaBytes == 9_000_000_000 && plan.expiresAt == FakeUpstream.expiresAt)
            #expect(plan.username == "up-user")
            let wallet = try await rig.wallet()
            #expect(wallet.balance == WorkRig.dollars("90.20") && wallet.held == .zero)
            #expect(upstream.requests.contains { $0.target == "/api/v1/plans/plan_up1/extend" })
        }
    }

    @Test func `an extension that is refused frees its money and leaves the plan as it was`() async throws {
        let upstream = FakeUpstream { step, number, moment in
            step == .order && number == 2 && moment == .before ? FakeUpstream.problem(402, "insufficient_balance") : nil
        }
        try await market(upstream) { rig in
            let bought = try await rig.buy(5)
            try await rig.engine.wait(bought.jobID, for: .completed)
            let request = try await rig.extend(bought.plan.id, by: 2)
            let job = try await rig.engine.wait(request.jobID, for: .completed)
            #expect(job.result?["refusal"] == "insufficient_balance")
            let plan = try await rig.plan(bought.plan.id)
            #expect(plan.status == .active && plan.quantity == 5 && upstream.bought == 1)
            let wallet = try await rig.wallet()
            #expect(wallet.balance == WorkRig.dollars("93.00") && wallet.held == .zero)
        }
    }

    @Test func `an order that the upstream gives up after it took it is refused`() async throws {
        let upstream = FakeUpstream(delivers: false)
        try await market(upstream) { rig in
            let request = try await rig.buy()
            try await eventually("it was ordered") { upstream.bought == 1 }
            upstream.deliver(as: "cancelled")
            let job = try await rig.engine.wait(request.jobID, for: .completed)
            #expect(job.result?["refusal"] == "upstream_cancelled")
            #expect(try await rig.plan(request.plan.id).status == .cancelled)
            #expect(try await rig.wallet().available == WorkRig.dollars("100"))
        }
    }
}
