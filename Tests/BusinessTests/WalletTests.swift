import Business
import Bytes
import Clocks
import JSON
import Postgres
import TestSupport
import Testing

@Suite(.database(.millrace), .timeLimit(.minutes(2)))
struct WalletTests {
    @Test func `an account gets its wallet once, empty`() async throws {
        let shop = try await Shop.open(credit: .zero)
        defer { shop.close() }
        let north = shop.north
        try await shop.act { try $1.wallets.open(north, currency: "USD", on: $0) }
        let wallet = try await shop.wallet(north)
        #expect(wallet.balance == .zero)
        #expect(try await shop.count("select count(*) from wallets where account_id = '\(north)'") == 1)
    }

    @Test func `a top-up writes an entry, the balance and the audit log`() async throws {
        let shop = try await Shop.open(credit: .zero)
        defer { shop.close() }
        let (staff, north) = (shop.staff, shop.north)
        let entry = try await shop.act { try $1.wallets.topUp(north, dollars("12.345678"), note: "deposit", by: staff, on: $0) }
        #expect(entry.type == .topUp)
        #expect(entry.number == 1)
        #expect(entry.balanceAfter == dollars("12.345678"))
        #expect(try await shop.wallet(north).balance == dollars("12.345678"))
        #expect(try await shop.count("select count(*) from audit_log where action = 'wallet.topup' and account_id = '\(north)'") == 1)
    }

    @Test func `only the operator's staff create money`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        let (north, below) = (shop.reseller(shop.north), shop.northEast)
        await refused(.forbidden, "permission_denied") { try await shop.act { try $1.wallets.topUp(below, dollars("1"), by: north, on: $0) } }
        var forged = north
        forged.permissions.insert(.balanceTopUp)
        let caller = forged
        await refused(.forbidden, "operator_only") { try await shop.act { try $1.wallets.topUp(below, dollars("1"), by: caller, on: $0) } }
    }

    @Test(arguments: ["0.00", "-1.00", "1000000000.000001"])
    func `an amount that makes no sense is refused`(_ amount: String) async throws {
        let shop = try await Shop.open(credit: .zero)
        defer { shop.close() }
        let (staff, north) = (shop.staff, shop.north)
        let error = await refused(.invalid, "invalid_amount") {
            try await shop.act { try $1.wallets.topUp(north, dollars(amount), by: staff, on: $0) }
        }
        #expect(error?.field == "/amount")
    }

    @Test func `a transfer goes down the tree, and both entries name each other`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        let (north, below) = (shop.reseller(shop.north), shop.northEast)
        let out = try await shop.act { try $1.wallets.transfer(to: below, dollars("30"), note: "for you", by: north, on: $0) }
        let staff = shop.staff
        let otherID = try #require(out.reference?.id)
        let into = try await shop.act { try $1.wallets.entry(otherID, by: staff, on: $0) }
        #expect(out.amount == dollars("-30"))
        #expect(into.amount == dollars("30"))
        #expect(into.accountID == below)
        #expect(into.reference == WalletEntry.Reference("wallet_entry", out.id))
        #expect(try await shop.wallet(shop.north).balance == dollars("70"))
        #expect(try await shop.wallet(below).balance == dollars("130"))
    }

    @Test func `a reseller cannot move money up, sideways, to itself or out of another's wallet`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        let (north, east) = (shop.reseller(shop.north), shop.reseller(shop.northEast))
        let (northID, southID, eastID, rootID) = (shop.north, shop.south, shop.northEast, shop.root)
        await refused(.notFound, "not_found") { try await shop.act { try $1.wallets.transfer(to: southID, dollars("1"), by: north, on: $0) } }
        await refused(.notFound, "not_found") { try await shop.act { try $1.wallets.transfer(to: northID, dollars("1"), by: east, on: $0) } }
        await refused(.notFound, "not_found") { try await shop.act { try $1.wallets.transfer(to: rootID, dollars("1"), by: north, on: $0) } }
        await refused(.invalid, "same_account") { try await shop.act { try $1.wallets.transfer(to: northID, dollars("1"), by: north, on: $0) } }
        await refused(.forbidden, "not_your_wallet") {
            try await shop.act { try $1.wallets.transfer(from: eastID, to: northID, dollars("1"), by: north, on: $0) }
        }
    }

    @Test func `money is not moved between currencies`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        let (staff, north, below) = (shop.staff, shop.reseller(shop.north), Identifier.next())
        let parent = shop.north
        try await shop.act { connection, business in
            try connection.run(
                .once("insert into accounts (id, parent_id, type, name, currency) values ($1, $2, 'customer', 'euro', 'EUR')"), below, parent)
            try business.wallets.open(below, currency: "EUR", on: connection)
        }
        await refused(.conflict, "currency_mismatch") { try await shop.act { try $1.wallets.transfer(to: below, dollars("1"), by: north, on: $0) } }
        _ = staff
    }

    @Test func `what is not covered is refused, says why, and changes nothing`() async throws {
        let shop = try await Shop.open(credit: dollars("3"))
        defer { shop.close() }
        let (north, below) = (shop.reseller(shop.north), shop.northEast)
        let error = await refused(.paymentRequired, "insufficient_balance") {
            try await shop.act { try $1.wallets.transfer(to: below, dollars("5"), by: north, on: $0) }
        }
        #expect(error?.message.contains("3.00 USD available, 5.00 USD needed") == true)
        #expect(try await shop.wallet(shop.north).balance == dollars("3"))
        #expect(try await shop.wallet(below).balance == dollars("3"))
    }

    @Test func `credit can be spent but not cashed out`() async throws {
        let shop = try await Shop.open(credit: dollars("10"))
        defer { shop.close() }
        let (staff, north, northID, below) = (shop.staff, shop.reseller(shop.north), shop.north, shop.northEast)
        try await shop.act { try $1.wallets.setLimits(northID, creditLimit: dollars("20"), by: staff, on: $0) }
        await refused(.paymentRequired, "insufficient_balance") {
            try await shop.act { try $1.wallets.withdraw(northID, dollars("10.000001"), by: staff, on: $0) }
        }
        try await shop.act { try $1.wallets.transfer(to: below, dollars("25"), by: north, on: $0) }
        #expect(try await shop.wallet(northID).balance == dollars("-15"))
        await refused(.conflict, "credit_in_use") {
            try await shop.act { try $1.wallets.setLimits(northID, creditLimit: dollars("14"), by: staff, on: $0) }
        }
        await refused(.forbidden, "permission_denied") {
            try await shop.act { try $1.wallets.setLimits(northID, creditLimit: dollars("99"), by: north, on: $0) }
        }
    }

    @Test func `staff withdraw out of the system, a reseller back into its own wallet`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        let (staff, north, northID, below) = (shop.staff, shop.reseller(shop.north), shop.north, shop.northEast)
        let paid = try await shop.act { try $1.wallets.withdraw(below, dollars("40"), by: staff, on: $0) }
        #expect(paid.type == .withdraw)
        #expect(try await shop.wallet(below).balance == dollars("60"))
        try await shop.act { try $1.wallets.withdraw(below, dollars("10"), by: north, on: $0) }
        #expect(try await shop.wallet(below).balance == dollars("50"))
        #expect(try await shop.wallet(northID).balance == dollars("110"))
        await refused(.forbidden, "withdraw_by_operator") { try await shop.act { try $1.wallets.withdraw(northID, dollars("1"), by: north, on: $0) } }
        await refused(.paymentRequired, "insufficient_balance") {
            try await shop.act { try $1.wallets.withdraw(below, dollars("50.01"), by: north, on: $0) }
        }
    }

    @Test func `what is held cannot be withdrawn`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        let (staff, north) = (shop.staff, shop.north)
        try await shop.act {
            _ = try $1.wallets.hold(
                dollars("95"), currency: "USD", account: north, reason: "test", reference: WalletEntry.Reference("plan", .next()), job: nil, on: $0)
        }
        await refused(.paymentRequired, "insufficient_balance") {
            try await shop.act { try $1.wallets.withdraw(north, dollars("6"), by: staff, on: $0) }
        }
        try await shop.act { try $1.wallets.withdraw(north, dollars("5"), by: staff, on: $0) }
        #expect(try await shop.wallet(north).available == .zero)
    }

    @Test func `refunds of an entry never give back more than it took`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        let (staff, north) = (shop.staff, shop.north)
        let charge = try await shop.act { connection, business in
            let wallet = try business.wallets.read(north, on: connection)
            return try business.wallets.move(WalletMovement(.addon, dollars("-10")), wallet: wallet.id, on: connection)
        }
        let first = try await shop.act { try $1.wallets.refund(charge.id, dollars("4"), by: staff, on: $0) }
        #expect(first.reference?.id == charge.id)
        await refused(.invalid, "refund_too_large") { try await shop.act { try $1.wallets.refund(charge.id, dollars("6.01"), by: staff, on: $0) } }
        let second = try await shop.act { try $1.wallets.refund(charge.id, by: staff, on: $0) }
        #expect(second.amount == dollars("6"))
        await refused(.conflict, "already_refunded") { try await shop.act { try $1.wallets.refund(charge.id, by: staff, on: $0) } }
        await refused(.conflict, "not_refundable") { try await shop.act { try $1.wallets.refund(first.id, by: staff, on: $0) } }
        #expect(try await shop.wallet(north).balance == dollars("100"))
    }

    @Test func `eight refunds at once give back once`() async throws {
        let shop = try await Shop.open(lanes: 8)
        defer { shop.close() }
        let (staff, north) = (shop.staff, shop.north)
        let charge = try await shop.act { connection, business in
            try business.wallets.move(WalletMovement(.addon, dollars("-10")), wallet: business.wallets.read(north, on: connection).id, on: connection)
        }
        let done = await atOnce(8) { _ in try await shop.act { try $1.wallets.refund(charge.id, by: staff, on: $0) } }
        #expect(done == 1)
        #expect(try await shop.wallet(north).balance == dollars("100"))
    }

    @Test func `the same key moves money once, and a replay gets the first entry`() async throws {
        let shop = try await Shop.open(credit: .zero, lanes: 8)
        defer { shop.close() }
        let (staff, north) = (shop.staff, shop.north)
        let done = await atOnce(8) { _ in try await shop.act { try $1.wallets.topUp(north, dollars("5"), key: "deposit-1", by: staff, on: $0) } }
        #expect(done == 8)
        #expect(try await shop.wallet(north).balance == dollars("5"))
        #expect(try await shop.count("select count(*) from wallet_entries") == 1)
        #expect(try await shop.count("select count(*) from audit_log where action = 'wallet.topup'") == 1)
        await refused(.conflict, "idempotency_key_reused") {
            try await shop.act { try $1.wallets.topUp(north, dollars("6"), key: "deposit-1", by: staff, on: $0) }
        }
    }

    @Test func `a replay is answered even when the money is gone by now`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        let (north, below) = (shop.reseller(shop.north), shop.northEast)
        let first = try await shop.act { try $1.wallets.transfer(to: below, dollars("100"), key: "k", by: north, on: $0) }
        let again = try await shop.act { try $1.wallets.transfer(to: below, dollars("100"), key: "k", by: north, on: $0) }
        #expect(first == again)
        #expect(try await shop.wallet(below).balance == dollars("200"))
    }

    @Test func `a hold is captured once, and then neither again nor released`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        let (north, plan) = (shop.north, WalletEntry.Reference("plan", .next()))
        let hold = try await shop.act {
            try $1.wallets.hold(dollars("25"), currency: "USD", account: north, reason: "test", reference: plan, job: nil, on: $0)
        }
        #expect(try await shop.wallet(north).available == dollars("75"))
        await refused(.invalid, "wrong_hold") {
            try await shop.act { try $1.wallets.capture(hold, as: .purchase, for: WalletEntry.Reference("plan", .next()), on: $0) }
        }
        #expect(try await shop.act { try $1.wallets.capture(hold, as: .purchase, for: plan, on: $0) } == .now)
        #expect(try await shop.act { try $1.wallets.capture(hold, as: .purchase, for: plan, on: $0) } == .earlier(.captured))
        #expect(try await shop.act { try $1.wallets.release(hold, for: plan, on: $0) } == .earlier(.captured))
        let wallet = try await shop.wallet(north)
        #expect(wallet.balance == dollars("75"))
        #expect(wallet.held == .zero)
        let ended = try await shop.act { try $1.wallets.findHold(hold, on: $0) }
        #expect(ended.state == .captured)
        #expect(ended.entryID != nil)
    }

    @Test func `a released hold is free again and cannot be captured`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        let (north, plan) = (shop.north, WalletEntry.Reference("plan", .next()))
        let hold = try await shop.act {
            try $1.wallets.hold(dollars("25"), currency: "USD", account: north, reason: "test", reference: plan, job: nil, on: $0)
        }
        #expect(try await shop.act { try $1.wallets.release(hold, for: plan, on: $0) } == .now)
        #expect(try await shop.act { try $1.wallets.capture(hold, as: .purchase, for: plan, on: $0) } == .earlier(.released))
        let wallet = try await shop.wallet(north)
        #expect(wallet.available == dollars("100"))
        #expect(wallet.held == .zero)
    }

    @Test func `a hold of nothing is captured without an entry`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        let (north, plan) = (shop.north, WalletEntry.Reference("plan", .next()))
        try await shop.act {
            let hold = try $1.wallets.hold(.zero, currency: "USD", account: north, reason: "test", reference: plan, job: nil, on: $0)
            #expect(try $1.wallets.capture(hold, as: .purchase, for: plan, on: $0) == .now)
        }
        #expect(try await shop.count("select count(*) from wallet_entries where type = 'purchase'") == 0)
    }

    @Test func `balance low is told once per fall`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        let (staff, north, northID, below) = (shop.staff, shop.reseller(shop.north), shop.north, shop.northEast)
        try await shop.act { try $1.wallets.setLimits(northID, lowBalance: .set(dollars("50")), by: north, on: $0) }
        func events() async throws -> Int { try await shop.count("select count(*) from webhook_events where type = 'balance.low'") }
        try await shop.act { try $1.wallets.transfer(to: below, dollars("50"), by: north, on: $0) }
        #expect(try await events() == 0)
        try await shop.act { try $1.wallets.transfer(to: below, dollars("0.01"), by: north, on: $0) }
        try await shop.act { try $1.wallets.transfer(to: below, dollars("1"), by: north, on: $0) }
        #expect(try await events() == 1)
        #expect(try await shop.wallet(northID).lowSince != nil)
        try await shop.act { try $1.wallets.topUp(northID, dollars("20"), by: staff, on: $0) }
        #expect(try await shop.wallet(northID).lowSince == nil)
        try await shop.act {
            _ = try $1.wallets.hold(
                dollars("30"), currency: "USD", account: northID, reason: "test", reference: WalletEntry.Reference("plan", .next()), job: nil, on: $0)
        }
        #expect(try await events() == 2)
    }

    @Test func `a wallet is read in the subtree only`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        let (north, east) = (shop.reseller(shop.north), shop.reseller(shop.northEast))
        let (northID, southID, eastID) = (shop.north, shop.south, shop.northEast)
        #expect(try await shop.act { try $1.wallets.find(eastID, by: north, on: $0) }.accountID == eastID)
        await refused(.notFound, "not_found") { try await shop.act { try $1.wallets.find(southID, by: north, on: $0) } }
        await refused(.notFound, "not_found") { try await shop.act { try $1.wallets.find(northID, by: east, on: $0) } }
    }

    @Test func `entries are listed by page, type, time and account, and added up`() async throws {
        let shop = try await Shop.open()
        defer { shop.close() }
        let (north, below, southID) = (shop.reseller(shop.north), shop.northEast, shop.south)
        try await shop.act { connection, business in
            for _ in 0..<5 { try business.wallets.transfer(to: below, dollars("2"), by: north, on: connection) }
            let wallet = try business.wallets.read(below, on: connection)
            try business.wallets.move(WalletMovement(.renewal, dollars("-3")), wallet: wallet.id, on: connection)
        }
        let all = try await shop.act { try $1.wallets.entries(by: north, on: $0) }
        #expect(all.items.count == 13)
        #expect(all.next == nil)
        let page = try await shop.act { try $1.wallets.entries(limit: 6, by: north, on: $0) }
        let rest = try await shop.act { try $1.wallets.entries(after: page.next, limit: 100, by: north, on: $0) }
        #expect(page.items + rest.items == all.items)
        let transfers = EntryFilter(account: below, types: [.transfer])
        #expect(
            try await shop.act { try $1.wallets.entries(transfers, by: north, on: $0) }.items.map(\.amount)
                == Array(repeating: dollars("2"), count: 5))
        let totals = try await shop.act { try $1.wallets.totals(EntryFilter(account: below), by: north, on: $0) }
        #expect(totals.map(\.credits) == [dollars("110")])
        #expect(totals.map(\.debits) == [dollars("3")])
        #expect(totals.map(\.income) == [dollars("3")])
        let past = EntryFilter(to: Instant(microseconds: 0))
        #expect(try await shop.act { try $1.wallets.entries(past, by: north, on: $0) }.items.isEmpty)
        await refused(.notFound, "not_found") { try await shop.act { try $1.wallets.entries(EntryFilter(account: southID), by: north, on: $0) } }
        var narrow = north
        narrow.permissions.remove(.transactionsViewAll)
        let own = narrow
        #expect(try await shop.act { try $1.wallets.entries(by: own, on: $0) }.items.allSatisfy { $0.accountID == own.accountID })
        await refused(.forbidden, "permission_denied") { try await shop.act { try $1.wallets.entries(EntryFilter(account: below), by: own, on: $0) } }
    }
}
