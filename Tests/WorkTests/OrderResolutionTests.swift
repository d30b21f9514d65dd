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

/// Orders whose end nobody knows, ended by the operator's staff.
@Suite(.whole, .database(.millrace), .timeLimit(.minutes(5)))
struct OrderResolutionTests {
    /// Orders and extensions from the given number on get an answer that only people can judge, until it is lifted.
    private final class Doubt: Sendable {
        private let state: Mutex<(first: Int, lifted: Bool)>

        init(from first: Int = 1) { state = Mutex((first, false)) }

        func lift() { state.withLock { $0.lifted = true } }

        var fault: FakeUpstream.Fault {
            { step, number, moment in
                guard step == .order, moment == .before else { return nil }
                return self.state.withLock { number < $0.first || $0.lifted } ? nil : FakeUpstream.problem(409, "price_check_used")
            }
        }
    }

    private func market(_ upstream: FakeUpstream, _ body: (WorkRig) async throws -> Void) async throws {
        try await WorkRig.run { options in
            options.kinds = ["plan.order", "plan.order_extension"]
        } _: { rig in
            try await rig.openMarket(upstream: upstream.url)
            try await body(rig)
        }
    }

    private func order(_ rig: WorkRig, _ id: Identifier) async throws -> Order {
        let staff = rig.staff
        return try await rig.act { try $1.orders.find(id, by: staff, on: $0) }
    }

    private func unresolved(_ rig: WorkRig) async throws -> [Order] {
        let staff = rig.staff
        return try await rig.act { try $1.orders.list(by: staff, on: $0).items }
    }

    @discardableResult
    private func release(_ rig: WorkRig, _ id: Identifier, by caller: Caller? = nil) async throws -> Order {
        let caller = caller ?? rig.staff
        return try await rig.act { try $1.orders.release(id, reason: "not at the provider", by: caller, on: $0) }
    }

    @discardableResult
    private func complete(_ rig: WorkRig, _ id: Identifier, _ delivery: OrderDelivery) async throws -> Order {
        let staff = rig.staff
        return try await rig.act { try $1.orders.complete(id, as: delivery, reason: "seen at the provider", by: staff, on: $0) }
    }

    private func code(_ body: () async throws -> some Any) async -> String? {
        do {
            _ = try await body()
            return nil
        } catch {
            return (error as? BusinessError)?.code ?? "\(error)"
        }
    }

    private static let credentials = PlanCredentials(
        username: "by-hand", password: Secret("s3cret-by-hand"), host: "edge.upstream.example", httpPort: 8000, socksPort: nil)

    @Test func `a released order frees the money once, and a retry of its job buys nothing`() async throws {
        let doubt = Doubt()
        let upstream = FakeUpstream(fault: doubt.fault)
        try await market(upstream) { rig in
            let request = try await rig.buy(5)
            try await rig.engine.wait(request.jobID, for: .dead)
            let listed = try await unresolved(rig)
            #expect(listed.map(\.id) == [request.jobID] && listed.first?.state == .unresolved && listed.first?.errorCode == "price_check_used")
            #expect(listed.first?.requests.map(\.path) == ["/plans", "/plans/check-price"] && listed.first?.amount == WorkRig.dollars("7.00"))
            #expect(listed.first?.quantity == 5 && listed.first?.orderedAt != nil)

            let released = try await release(rig, request.jobID)
            #expect(released.state == .released && released.planStatus == .cancelled)
            #expect(try await rig.plan(request.plan.id).cancelReason == "not at the provider")
            #expect(try await unresolved(rig).isEmpty)
            #expect(try await release(rig, request.jobID).state == .released)
            #expect(try await rig.count("select count(*) from audit_log where action = 'order.release'") == 1)
            #expect(try await rig.count("select count(*) from webhook_events where type = 'plan.cancelled'") == 1)
            let completing = await code { try await complete(rig, request.jobID, OrderDelivery(reference: "x", credentials: Self.credentials)) }
            #expect(completing == "order_released")

            doubt.lift()
            let staff = rig.staff
            _ = try await rig.act { try $1.jobs.retry(request.jobID, by: staff, on: $0) }
            let job = try await rig.engine.wait(request.jobID, for: .completed)
            #expect(job.result?["refusal"] == "order_released" && upstream.bought == 0 && upstream.count(.order) == 1)
            let wallet = try await rig.wallet()
            #expect(wallet.balance == WorkRig.dollars("100") && wallet.held == .zero)
        }
    }

    @Test func `a completed order is charged once, has the credentials that were found, and a retry of its job changes nothing`() async throws {
        let doubt = Doubt()
        let upstream = FakeUpstream(fault: doubt.fault)
        try await market(upstream) { rig in
            let request = try await rig.buy(5)
            try await rig.engine.wait(request.jobID, for: .dead)
            let bare = await code { try await complete(rig, request.jobID, OrderDelivery(reference: "plan_there")) }
            let nameless = await code { try await complete(rig, request.jobID, OrderDelivery(credentials: Self.credentials)) }
            #expect(bare == "invalid_delivery" && nameless == "invalid_delivery")
            let end = Instant.now + .seconds(86400)
            let delivery = OrderDelivery(reference: "plan_there", credentials: Self.credentials, quotaBytes: 9, expiresAt: end)
            let completed = try await complete(rig, request.jobID, delivery)
            #expect(completed.state == .completed && completed.providerReference == "plan_there")
            let plan = try await rig.plan(request.plan.id)
            #expect(plan.status == .active && plan.username == "by-hand" && plan.quotaBytes == 9 && plan.expiresAt == end)
            let caller = rig.reseller
            let password = try await rig.act { try $1.plans.credentials(plan.id, by: caller, on: $0).password.reveal }
            #expect(password == "s3cret-by-hand")
            #expect(try await rig.count("select count(*) from audit_log where concat(before, after, metadata) like '%s3cret%'") == 0)
            #expect(await code { try await release(rig, request.jobID) } == "order_completed")
            #expect(await code { try await complete(rig, request.jobID, delivery) } == "order_completed")

            doubt.lift()
            let staff = rig.staff
            _ = try await rig.act { try $1.jobs.retry(request.jobID, by: staff, on: $0) }
            try await rig.engine.wait(request.jobID, for: .completed)
            #expect(upstream.bought == 0 && upstream.count(.order) == 1)
            #expect(try await rig.count("select count(*) from wallet_entries where type = 'purchase'") == 1)
            #expect(try await rig.wallet().balance == WorkRig.dollars("93.00"))
            #expect(try await rig.count("select count(*) from webhook_events where type = 'plan.purchased'") == 1)
        }
    }

    @Test func `extensions are released and completed, and their plans stay or grow`() async throws {
        let upstream = FakeUpstream(fault: Doubt(from: 2).fault)
        try await market(upstream) { rig in
            let bought = try await rig.buy(5)
            try await rig.engine.wait(bought.jobID, for: .completed)
            let first = try await rig.extend(bought.plan.id, by: 2)
            try await rig.engine.wait(first.jobID, for: .dead)
            #expect(try await unresolved(rig).map(\.isExtension) == [true])
            try await release(rig, first.jobID)
            #expect(try await rig.plan(bought.plan.id).quantity == 5)
            let second = try await rig.extend(bought.plan.id, by: 3)
            try await rig.engine.wait(second.jobID, for: .dead)
            let other = await code { try await complete(rig, second.jobID, OrderDelivery(reference: "plan_another")) }
            let secret = await code { try await complete(rig, second.jobID, OrderDelivery(credentials: Self.credentials)) }
            #expect(other == "provider_reference_differs" && secret == "invalid_delivery")
            try await complete(rig, second.jobID, OrderDelivery(quotaBytes: 1_000))
            let plan = try await rig.plan(bought.plan.id)
            #expect(plan.quantity == 8 && plan.quotaBytes == 7_000_001_000 && plan.username == "up-user")
            #expect(try await rig.wallet().balance == WorkRig.dollars("88.80"))
            #expect(try await unresolved(rig).isEmpty)
        }
    }

    @Test func `an order whose job still works is nobody's to end`() async throws {
        let upstream = FakeUpstream(delivers: false)
        try await market(upstream) { rig in
            let request = try await rig.buy(5)
            try await eventually("it was ordered") { upstream.bought == 1 }
            #expect(await code { try await release(rig, request.jobID) } == "order_open")
            #expect(try await unresolved(rig).isEmpty)
            #expect(try await order(rig, request.jobID).state == .open)
            upstream.deliver()
            try await rig.engine.wait(request.jobID, for: .completed)
            #expect(try await order(rig, request.jobID).state == .completed)
        }
    }

    @Test func `a retry and a release at the same moment end in one of the two, never in both`() async throws {
        let doubt = Doubt()
        let upstream = FakeUpstream(fault: doubt.fault)
        try await market(upstream) { rig in
            var requests: [PlanRequest] = []
            for _ in 0..<12 { requests.append(try await rig.buy(1)) }
            for request in requests { try await rig.engine.wait(request.jobID, for: .dead) }
            doubt.lift()
            let staff = rig.staff
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, request) in requests.enumerated() {
                    group.addTask {
                        if index.isMultiple(of: 2) { await Task.yield() }
                        _ = try await rig.act { try $1.jobs.retry(request.jobID, by: staff, on: $0) }
                    }
                    group.addTask {
                        do {
                            _ = try await rig.act { try $1.orders.release(request.jobID, reason: "race", by: staff, on: $0) }
                        } catch let error as BusinessError where ["order_open", "order_completed"].contains(error.code) {}
                    }
                }
                try await group.waitForAll()
            }
            for request in requests { try await rig.engine.wait(request.jobID, for: .completed) }
            var completed = 0
            for request in requests {
                let (order, plan) = (try await order(rig, request.jobID), try await rig.plan(request.plan.id))
                #expect(order.state == (plan.status == .active ? .completed : .released))
                #expect(plan.status == .active || plan.status == .cancelled)
                completed += plan.status == .active ? 1 : 0
            }
            #expect(upstream.bought == completed, "what was bought is what was paid")
            let wallet = try await rig.wallet()
            #expect(wallet.held == .zero && wallet.balance == Money(micros: 100_000_000 - Int64(completed) * 1_400_000))
            let released = try await rig.count("select count(*) from audit_log where action = 'order.release'")
            #expect(released == requests.count - completed)
        }
    }

    @Test func `two of the staff at once: one release, one completion, one of them counts`() async throws {
        let upstream = FakeUpstream(fault: Doubt().fault)
        try await market(upstream) { rig in
            for index in 0..<6 {
                let request = try await rig.buy(1)
                try await rig.engine.wait(request.jobID, for: .dead)
                var credentials = Self.credentials
                credentials.username = "by-hand-\(index)"
                let delivery = OrderDelivery(reference: "plan_\(index)", credentials: credentials)
                async let one = code { try await release(rig, request.jobID) }
                async let two = code { try await complete(rig, request.jobID, delivery) }
                let codes = await (one, two)
                #expect((codes.0 == nil) != (codes.1 == nil), "\(codes)")
            }
            #expect(try await rig.wallet().held == .zero)
            let resolved = "select count(*) from audit_log where action in ('order.release', 'order.complete')"
            #expect(try await rig.count(resolved) == 6)
        }
    }

    @Test func `an order outlives the record of its job`() async throws {
        let upstream = FakeUpstream(fault: Doubt().fault)
        try await market(upstream) { rig in
            let (first, second) = (try await rig.buy(1), try await rig.buy(1))
            for request in [first, second] { try await rig.engine.wait(request.jobID, for: .dead) }
            try await rig.act { connection, _ in try connection.script("delete from finished_jobs") }
            #expect(try await unresolved(rig).map(\.id) == [second.jobID, first.jobID])
            try await release(rig, first.jobID)
            try await complete(rig, second.jobID, OrderDelivery(reference: "plan_there", credentials: Self.credentials))
            #expect(try await rig.wallet().balance == WorkRig.dollars("98.60"))
            #expect(try await unresolved(rig).isEmpty)
        }
    }

    @Test func `only staff with the right resolve orders, also one whose job was cancelled alone, and what is served here is retried`() async throws {
        let rig = try await WorkRig.open { $0.kinds = ["plan.purchase", "plan.extend"] }
        try await rig.openMarket()
        let request = try await rig.buy(1)
        // A console may end the job alone.
        _ = try await rig.act { try $1.ledger.cancel(request.jobID, actor: nil, on: $0) }
        #expect(try await unresolved(rig).map(\.id) == [request.jobID])
        let (reseller, root) = (rig.reseller, rig.root)
        var pretender = reseller
        pretender.permissions = Permission.all(of: .superAdmin)
        let analyst = Caller(accountID: root, role: .analyst, permissions: Permission.all(of: .analyst))
        #expect(await code { try await release(rig, request.jobID, by: reseller) } == "permission_denied")
        #expect(await code { try await release(rig, request.jobID, by: pretender) } == "operator_only")
        #expect(await code { try await release(rig, request.jobID, by: analyst) } == "permission_denied")
        #expect(await code { try await rig.act { try $1.orders.list(by: reseller, on: $0) } } == "permission_denied")
        #expect(try await rig.act { try $1.orders.list(by: analyst, on: $0).items.count } == 1)
        let native = await code { try await complete(rig, request.jobID, OrderDelivery(reference: "x", credentials: Self.credentials)) }
        #expect(native == "order_served_here")
        #expect(await code { try await release(rig, Identifier.next()) } == "not_found")
        #expect(try await release(rig, request.jobID).planStatus == .cancelled)
        #expect(try await rig.wallet().available == WorkRig.dollars("100"))
        await rig.close()
    }
}
