import Business
import Bytes
import Clocks
import Faults
import Postgres
import Synchronization
import TestSupport
import Testing

/// Random purchases, deliveries in batches, extensions, cancels, transfers and expiries from several connections at once.
@Suite(.database(.millrace), .timeLimit(.minutes(2)))
struct PlanInvariantTests {
    @Test func `under random concurrent orders everything paid for is there once, and nothing else`() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        let shop = try await Shop.open(credit: dollars("60"), lanes: 6)
        defer { shop.close() }
        try await shop.product(Shop.residential)
        var datacenter = Shop.datacenter
        datacenter.stock = 40
        try await shop.product(datacenter)
        let requests = Mutex<[PlanRequest]>([])
        let surprises = Mutex<[String]>([])
        _ = await atOnce(6) { lane in
            var random = SeededGenerator(seed: seed &+ UInt64(lane))
            for _ in 0..<40 {
                let step = Step.random(&random, of: requests.withLock { $0 })
                do {
                    if let request = try await step.apply(shop) { requests.withLock { $0.append(request) } }
                } catch let error as BusinessError {
                    if !Step.refusals.contains(error.code) { surprises.withLock { $0.append(error.description) } }
                } catch {
                    surprises.withLock { $0.append("\(error)") }
                }
            }
        }
        for request in requests.withLock({ $0 }) { _ = try await shop.deliver([request]) }
        #expect(surprises.withLock { $0 } == [], "seed \(seed)")
        #expect(try await shop.count("select count(*) from plans where status in ('active', 'expired')") > 10, "seed \(seed)")
        for (what, sql) in Books.invariants + Self.invariants { #expect(try await shop.count(sql) == 0, "\(what), seed \(seed)") }
    }

    static let invariants = [
        ("no hold is left", "select count(*) from wallet_holds where state = 'held'"),
        ("no plan is left pending", "select count(*) from plans where status = 'pending'"),
        (
            "a captured hold has one entry of its amount, any other none",
            """
            select count(*) from wallet_holds h
            where (h.state = 'captured') <> exists (select from wallet_entries e where e.id = h.entry_id and e.amount = -h.amount and e.job_id = h.job_id)
            """
        ),
        (
            "a delivered plan was charged once, a plan that never was delivered not at all",
            """
            select count(*) from plans p
            where (select count(*) from wallet_entries e where e.reference_id = p.id and e.type = 'purchase') <> (p.starts_at is not null)::int
            """
        ),
        (
            "the quota is what was charged for",
            """
            select count(*) from plans p join products r on r.id = p.product_id
            where r.code = 'residential' and p.starts_at is not null and p.quota_bytes <> 1000000000 * (
                select sum(c.quantity) from price_checks c join wallet_holds h on h.job_id = c.job_id where c.plan_id = p.id and h.state = 'captured')
            """
        ),
        (
            "stock = what was there less what was sold",
            """
            select count(*) from products r
            where r.stock <> 40 - (select coalesce(sum(quantity), 0) from plans p where p.product_id = r.id and p.starts_at is not null)
            """
        ),
        (
            "each delivery told of itself once",
            """
            select count(*) from plans p where (p.starts_at is not null)::int
                <> (select count(*) from webhook_events e where e.type = 'plan.purchased' and e.data -> 'plan' ->> 'id' = 'plan_' || replace(p.id::text, '-', ''))
            """
        ),
        (
            "each used price check has its job",
            "select count(*) from price_checks c where used_at is not null and not exists (select from jobs j where j.id = c.job_id)"
        ),
    ]
}

/// One random step.
private enum Step {
    case buy(Int, PriceQuery.Purchase)
    case extend(PlanRequest, Int)
    case deliver([PlanRequest])
    case cancel(PlanRequest)
    case transfer(Money)
    case expire

    /// What may be refused, depending on who comes first.
    static let refusals = [
        "insufficient_balance", "out_of_stock", "plan_ended", "plan_not_extendable", "extension_pending", "quantity_out_of_range",
    ]

    static func random(_ random: inout SeededGenerator, of requests: [PlanRequest]) -> Step {
        let buyer = Int.random(in: 0..<3, using: &random)
        let roll = Int.random(in: 0..<16, using: &random)
        guard let some = requests.randomElement(using: &random), roll >= 5 else {
            return Bool.random(using: &random)
                ? .buy(buyer, PriceQuery.Purchase("residential", quantity: Int.random(in: 1...4, using: &random)))
                : .buy(buyer, PriceQuery.Purchase("datacenter", quantity: Int.random(in: 1...3, using: &random), period: .month))
        }
        switch roll {
        case 5..<11: return .deliver((0..<4).compactMap { _ in requests.randomElement(using: &random) })
        case 11..<13: return .extend(some, Int.random(in: 1...2, using: &random))
        case 13: return .cancel(some)
        case 14: return .transfer(Money(micros: Int64.random(in: 1...3_000_000, using: &random)))
        default: return .expire
        }
    }

    /// - Returns: the request for which a job now waits.
    func apply(_ shop: Shop) async throws -> PlanRequest? {
        let accounts = [shop.north, shop.northEast, shop.south]
        switch self {
        case .buy(let index, let query): return try await shop.request(query, by: shop.reseller(accounts[index]))
        case .extend(let earlier, let quantity):
            let owner = shop.reseller(earlier.plan.accountID)
            let check = try await shop.check(PriceQuery.Extension(earlier.plan.id, quantity: quantity), by: owner)
            return try await shop.act { try $1.plans.requestExtension(check.id, by: owner, on: $0) }
        case .deliver(let some): try await shop.deliver(some)
        case .cancel(let earlier):
            let owner = shop.reseller(earlier.plan.accountID)
            _ = try await shop.act { try $1.plans.cancel(earlier.plan.id, by: owner, on: $0) }
        case .transfer(let amount):
            let north = shop.reseller(shop.north)
            try await shop.act { try $1.wallets.transfer(to: shop.northEast, amount, by: north, on: $0) }
        case .expire:
            _ = try await shop.act { try $1.plans.expireDue(limit: 1, on: $0, now: .now + .seconds(40 * 86_400)) }
        }
        return nil
    }
}
