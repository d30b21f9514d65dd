import Business
import Bytes
import Clocks
import Engine
import JSON
import Postgres
import TestSupport
import Testing
import Work

/// The main job where plans are served here: request, job (`PlanPurchaseJob`, `PlanExtendJob`), plan, entry, event; and its end, `PlanExpireJob`.
@Suite(.whole, .database(.millrace), .timeLimit(.minutes(5)))
struct PlanJobTests {
    private static let kinds = ["plan.purchase", "plan.extend", "webhook.deliver"]

    @Test func `a purchase is delivered, charged once and told to the subscriber`() async throws {
        let sink = Sink()
        try await WorkRig.run {
            $0.kinds = Self.kinds
        } _: { rig in
            try await rig.openMarket()
            _ = try await rig.endpoint(sink.url, events: ["plan.purchased"])
            let request = try await rig.buy(5)
            let job = try await rig.engine.wait(request.jobID, for: .completed)
            #expect(job.kind == "plan.purchase" && job.attempt == 1)
            #expect(job.result == ["planId": .string(request.plan.id.text("plan")), "status": "active"])
            let plan = try await rig.plan(request.plan.id)
            #expect(plan.status == .active && plan.username?.hasPrefix("mr") == true)
            let wallet = try await rig.wallet()
            #expect(wallet.balance == WorkRig.dollars("93.00") && wallet.held == .zero)
            try await eventually("the event arrives") { sink.received.count == 1 }
            let event = try JSONValue(parsing: sink.received[0].body)
            #expect(event["type"] == "plan.purchased" && event["data"]?["plan"]?["id"]?.string == plan.id.text("plan"))
            #expect(event["data"]?["plan"]?["password"] == nil)
        }
    }

    @Test func `an extension is delivered and charged once`() async throws {
        try await WorkRig.run {
            $0.kinds = Self.kinds
        } _: { rig in
            try await rig.openMarket()
            let bought = try await rig.buy(5)
            try await rig.engine.wait(bought.jobID, for: .completed)
            let before = try await rig.plan(bought.plan.id)
            let request = try await rig.extend(bought.plan.id, by: 2)
            let job = try await rig.engine.wait(request.jobID, for: .completed)
            #expect(job.kind == "plan.extend")
            let plan = try await rig.plan(bought.plan.id)
            #expect(plan.quantity == 7 && plan.username == before.username)
            #expect(try await rig.wallet().balance == WorkRig.dollars("90.20"))
        }
    }

    @Test func `many purchases at once are each delivered and charged once`() async throws {
        try await WorkRig.run {
            $0.kinds = Self.kinds
        } _: { rig in
            try await rig.openMarket()
            var requests: [PlanRequest] = []
            for _ in 0..<40 { requests.append(try await rig.buy(1)) }
            for request in requests { try await rig.engine.wait(request.jobID, for: .completed) }
            #expect(try await rig.wallet().balance == WorkRig.dollars("44.00"))
            #expect(try await rig.count("select count(*) from wallet_entries where type = 'purchase'") == 40)
            #expect(try await rig.count("select count(distinct username) from plans where status = 'active'") == 40)
        }
    }

    @Test func `plans whose time is over expire, batch after batch, each with its event`() async throws {
        try await WorkRig.run { options in
            options.kinds = ["plan.purchase", "plan.expire"]
            options.definition = ["backoff": ["delays": ["10ms"]], "schedules": []]
        } _: { rig in
            try await rig.openMarket()
            let request = try await rig.buy(1)
            try await rig.engine.wait(request.jobID, for: .completed)
            // More than a batch of them, out of the one that was bought.
            try await rig.act { connection, _ in
                try connection.script(
                    """
                    insert into plans (id, account_id, product_id, provider_id, status, quantity, price, currency, options, starts_at, expires_at)
                    select gen_random_uuid(), account_id, product_id, provider_id, 'active', quantity, price, currency, options, now() - interval '2 days',
                           now() - interval '1 day'
                    from plans, generate_series(1, 450)
                    """)
            }
            let job = try await rig.engine.enqueue("plan.expire")
            try await rig.engine.wait(job, for: .completed, within: .seconds(60))
            #expect(try await rig.count("select count(*) from plans where status = 'expired'") == 450)
            #expect(try await rig.count("select count(*) from plans where status = 'active'") == 1)
            #expect(try await rig.count("select count(*) from webhook_events where type = 'plan.expired'") == 450)
        }
    }

    @Test func `a payload that is none of these ids ends the job as dead with a clear error`() async throws {
        try await WorkRig.run {
            $0.kinds = Self.kinds
        } _: { rig in
            // Past the schema, as an old version of the program might have written it.
            let ledger = rig.engine.ledger
            let id = try await rig.act { connection, _ in
                let job = try ledger.enqueue(
                    NewJob(
                        "webhook.deliver",
                        ["deliveryId": "msg_0192f0c1d2e37abc8def0123456789ab", "endpointId": "we_0192f0c1d2e37abc8def0123456789ab"]), on: connection)
                try connection.run(.once("update jobs set payload = '{\"deliveryId\": 7}' where id = $1"), job.id)
                return job.id
            }
            let job = try await rig.engine.wait(id, for: .dead)
            #expect(job.errorCode == "invalid_payload" && job.attempt == 1)
        }
    }
}
