import Business
import Engine
import JSON
import Postgres
import Telemetry
import TestSupport
import Testing
import Work

/// An upstream's price against what our customer has paid: five gigabytes for 7.00 USD, two more for 2.80.
@Suite(.whole, .database(.millrace), .timeLimit(.minutes(3)))
struct PlanLossTests {
    private func market(
        price: (String, String), onLoss: LossRule = .refuse, log: LogBook = LogBook(), _ body: (WorkRig, FakeUpstream) async throws -> Void
    ) async throws {
        let upstream = FakeUpstream(price: price)
        try await WorkRig.run { options in
            options.kinds = ["plan.order", "plan.order_extension"]
            options.definition["maxAttempts"] = 2
            options.log = .init("test", level: .warning, sink: { log.add($0) })
        } _: { rig in
            try await rig.openMarket(upstream: upstream.url, onLoss: onLoss)
            try await body(rig, upstream)
        }
    }

    @Test(arguments: [("7.000001", "USD"), ("90.00", "USD"), ("1.00", "EUR")])
    func `an order that would be a loss is not placed: its money is free, its job dead, its account told`(_ price: (String, String)) async throws {
        try await market(price: price) { rig, upstream in
            let request = try await rig.buy(5)
            let job = try await rig.engine.wait(request.jobID, for: .dead)
            #expect(job.errorCode == "upstream_price_too_high" && job.attempt == 1)
            #expect(upstream.count(.quote) == 1 && upstream.count(.order) == 0)
            let plan = try await rig.plan(request.plan.id)
            #expect(plan.status == .cancelled && plan.cancelReason?.contains("upstream_price_too_high") == true)
            let wallet = try await rig.wallet()
            #expect(wallet.balance == WorkRig.dollars("100") && wallet.held == .zero)
            #expect(try await rig.count("select count(*) from webhook_events where type = 'plan.cancelled'") == 1)
            #expect(try await rig.count("select count(*) from webhook_events where type = 'job.dead'") == 1)
            // What we pay is ours to know.
            let told = "select count(*) from webhook_events where data::text like '%\(price.0)%'"
            #expect(try await rig.count(told) == 0 && job.error?.contains(price.0) == false)
        }
    }

    @Test func `an order at what the customer paid is no loss`() async throws {
        try await market(price: ("7.00", "USD")) { rig, upstream in
            let request = try await rig.buy(5)
            try await rig.engine.wait(request.jobID, for: .completed)
            #expect(upstream.bought == 1)
        }
    }

    @Test func `a provider whose rule is to warn is ordered from all the same`() async throws {
        let log = LogBook()
        try await market(price: ("7.01", "USD"), onLoss: .warn, log: log) { rig, upstream in
            let request = try await rig.buy(5)
            try await rig.engine.wait(request.jobID, for: .completed)
            #expect(upstream.bought == 1)
            #expect(log.messages.contains { $0.contains("an order is a loss") })
        }
    }

    @Test func `an extension that would be a loss leaves the plan as it was, and a retry of its job buys nothing`() async throws {
        try await market(price: ("5.00", "USD")) { rig, upstream in
            let bought = try await rig.buy(5)
            try await rig.engine.wait(bought.jobID, for: .completed)
            let request = try await rig.extend(bought.plan.id, by: 2)
            let job = try await rig.engine.wait(request.jobID, for: .dead)
            #expect(job.errorCode == "upstream_price_too_high" && upstream.bought == 1)
            #expect(try await rig.plan(bought.plan.id).quantity == 5)
            #expect(try await rig.wallet().available == WorkRig.dollars("93.00"))
            let staff = rig.staff
            _ = try await rig.act { try $1.jobs.retry(request.jobID, by: staff, on: $0) }
            let retried = try await rig.engine.wait(request.jobID, for: .completed)
            #expect(retried.result?["refusal"] == "order_released")
            #expect(upstream.bought == 1 && upstream.count(.quote) == 2)
        }
    }

    @Test(arguments: ["cheap", "-1.00", "1e3", ""])
    func `a price that is none is not taken for a cheap one`(_ price: String) async throws {
        try await market(price: (price, "USD")) { rig, upstream in
            let request = try await rig.buy(5)
            let job = try await rig.engine.wait(request.jobID, for: .dead)
            #expect(job.errorCode == "upstream_answer_unreadable" && upstream.count(.order) == 0)
            #expect(try await rig.wallet().held == WorkRig.dollars("7.00"))
        }
    }
}
