import Business
import Bytes
import Faults
import Postgres
import Synchronization
import TestSupport
import Testing

/// Random movements from several connections at once; afterwards the books must add up.
@Suite(.database(.millrace), .timeLimit(.minutes(2)))
struct WalletInvariantTests {
    @Test func `under random concurrent movements balances are the sums of entries, and no wallet is overdrawn`() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        let shop = try await Shop.open(credit: dollars("20"), lanes: 6)
        defer { shop.close() }
        let (staff, northID) = (shop.staff, shop.north)
        try await shop.act { try $1.wallets.setLimits(northID, creditLimit: dollars("5"), lowBalance: .set(dollars("4")), by: staff, on: $0) }
        let created = Mutex(dollars("60"))
        let surprises = Mutex<[String]>([])
        _ = await atOnce(6) { lane in
            var random = SeededGenerator(seed: seed &+ UInt64(lane))
            for step in 0..<60 {
                let move = Move.random(&random)
                do {
                    let delta = try await shop.act { try move.apply($1, shop, on: $0, key: "\(lane)-\(step)") }
                    created.withLock { $0 = $0 + delta }
                } catch let error as BusinessError {
                    let expected = ["insufficient_balance", "already_refunded", "refund_too_large", "not_refundable"]
                    if !expected.contains(error.code) { surprises.withLock { $0.append(error.description) } }
                } catch {
                    surprises.withLock { $0.append("\(error)") }
                }
            }
        }
        #expect(surprises.withLock { $0 } == [], "seed \(seed)")
        #expect(try await shop.count("select count(*) from wallet_entries") > 50, "seed \(seed)")
        for (what, sql) in Books.invariants { #expect(try await shop.count(sql) == 0, "\(what), seed \(seed)") }
        let total: Money = try await shop.act { connection, _ in
            try connection.run(.once("select sum(balance) as total from wallets")).only()("total")
        }
        #expect(total == created.withLock { $0 }, "money is neither made nor lost, seed \(seed)")
    }
}

/// One random movement.
private enum Move {
    case topUp(Int, Money)
    case withdraw(Int, Money)
    case transfer(Int, Int, Money)
    case charge(Int, Money)
    case order(Int, Money, captured: Bool)
    case refundLast(Int)

    static func random(_ random: inout SeededGenerator) -> Move {
        let amount = Money(micros: Int64.random(in: 1...9_000_000, using: &random))
        let (from, to) = (Int.random(in: 0..<3, using: &random), Int.random(in: 0..<3, using: &random))
        switch Int.random(in: 0..<12, using: &random) {
        case 0: return .topUp(from, amount)
        case 1: return .withdraw(from, amount)
        case 2..<6: return from == to ? .charge(from, amount) : .transfer(from, to, amount)
        case 6..<8: return .charge(from, amount)
        case 8..<11: return .order(from, amount, captured: Bool.random(using: &random))
        default: return .refundLast(from)
        }
    }

    /// - Returns: what it added to all wallets together.
    func apply(_ business: Business, _ shop: Shop, on connection: Connection, key: String) throws -> Money {
        let accounts = [shop.north, shop.northEast, shop.south]
        let wallets = business.wallets
        switch self {
        case .topUp(let index, let amount):
            return try wallets.topUp(accounts[index], amount, key: key, by: shop.staff, on: connection).amount
        case .withdraw(let index, let amount):
            return try wallets.withdraw(accounts[index], amount, key: key, by: shop.staff, on: connection).amount
        case .transfer(let from, let to, let amount):
            try wallets.transfer(from: accounts[from], to: accounts[to], amount, key: key, by: shop.staff, on: connection)
            return .zero
        case .charge(let index, let amount):
            let wallet = try wallets.read(accounts[index], on: connection)
            return try wallets.move(WalletMovement(.usage, -amount, key: key), wallet: wallet.id, on: connection).amount
        case .order(let index, let amount, let captured):
            let plan = WalletEntry.Reference("plan", .next())
            let hold = try wallets.hold(
                amount, currency: "USD", account: accounts[index], reason: "test", reference: plan, job: nil, on: connection)
            if captured {
                _ = try wallets.capture(hold, as: .purchase, for: plan, on: connection)
                return -amount
            }
            _ = try wallets.release(hold, for: plan, on: connection)
            return .zero
        case .refundLast(let index):
            let found = try connection.run(
                .once("select id from wallet_entries where account_id = $1 and amount < 0 order by id desc limit 1"), accounts[index])
            guard let row = found.first else { return .zero }
            return try wallets.refund(row("id"), by: shop.staff, on: connection).amount
        }
    }
}
