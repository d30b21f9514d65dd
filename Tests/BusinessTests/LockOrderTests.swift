import Business
import Postgres
import TestSupport
import Testing

/// Two transactions brought to the very point at which a wrong order of locks would be a deadlock.
@Suite(.database(.millrace), .timeLimit(.minutes(2)))
struct LockOrderTests {
    @Test func `a cancel waits for a batch of deliveries without standing in its way`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        try await shop.product(Shop.residential)
        let north = shop.reseller(shop.north)
        let query = PriceQuery.Purchase("residential", quantity: 1)
        let (first, second) = (try await shop.request(query, by: north), try await shop.request(query, by: north))
        let (one, two) = (try await shop.payload(first), try await shop.payload(second))
        async let batch = shop.act { connection, business in
            _ = try business.plans.completePurchase(one, job: first.jobID, on: connection)
            try waitForWaiter(on: connection)
            return try business.plans.completePurchase(two, job: second.jobID, on: connection)
        }
        // Sees the batch's lock on the wallet, so that the cancel begins while it is held.
        try await eventually("the batch holds the wallet") {
            try await shop.count("select count(*) from (select from wallets where account_id = '\(shop.north)' for update skip locked) free") == 0
        }
        let cancelled = try await shop.act { try $1.plans.cancel(second.plan.id, by: north, on: $0) }
        guard case .done = try await batch else {
            Issue.record("the batch came first")
            return
        }
        #expect(cancelled.status == .cancelled)
        #expect(cancelled.startsAt != nil)
        #expect(try await shop.wallet(shop.north).balance == dollars("97.20"))
    }
}

/// Returns when another session waits for a lock of this database.
private func waitForWaiter(on connection: Connection) throws {
    let waiting = Statement.once(
        "select count(*) from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database()")
    for _ in 0..<2000 {
        let count: Int = try connection.run(waiting).only()(0)
        if count > 0 { return }
        try connection.run(.once("select pg_sleep(0.005)"))
    }
    throw BusinessError(.unavailable, "nobody_waited", "Nobody waited for a lock within ten seconds.")
}
