internal import Business
internal import Bytes
internal import Engine
internal import Postgres

/// Compares what the customers know with what the database and the subscribers know.
struct ChaosVerdict {
    let book: ChaosBook.Entries
    let market: ChaosMarket
    let sink: ChaosSink
    private(set) var faults: [String] = []

    private struct Charge {
        var type: String
        var micros: Int64
        var plan: Identifier?
    }

    init(_ book: ChaosBook.Entries, _ market: ChaosMarket, _ sink: ChaosSink, on connection: Connection) throws {
        self.book = book
        self.market = market
        self.sink = sink
        faults = book.oddities
        try checkOrders(on: connection)
        try checkMoney(on: connection)
        try checkRefusals(on: connection)
        checkEvents()
        for row in try connection.run(.once("select kind, state, error_code, count(*) as count from finished_jobs group by 1, 2, 3")) {
            let (kind, state, count): (String, String, Int) = (try row("kind"), try row("state"), try row("count"))
            let code: String? = try row("error_code")
            if state != "completed" { faults.append("\(count) jobs of \(kind) ended as \(state): \(code ?? "")") }
        }
    }

    /// Each accepted order has one charge and its plan; there is no plan and no charge that nobody asked for.
    private mutating func checkOrders(on connection: Connection) throws {
        var charges: [Identifier: [Charge]] = [:]
        for row in try connection.run(.once("select job_id, type, amount, reference_id from wallet_entries where type in ('purchase', 'extension')"))
        {
            guard let job: Identifier = try row("job_id") else { continue }
            let amount: Money = try row("amount")
            charges[job, default: []].append(Charge(type: try row("type"), micros: amount.micros, plan: try row("reference_id")))
        }
        var plans: [Identifier: String] = [:]
        for row in try connection.run(.once("select id, status from plans")) { plans[try row("id")] = try row("status") as String }
        for order in book.accepted {
            guard let job = Identifier(order.jobID, prefix: "job"), let plan = Identifier(order.planID, prefix: "plan") else { continue }
            let found = charges.removeValue(forKey: job) ?? []
            let wanted = order.isExtension ? "extension" : "purchase"
            if found.count != 1 || found[0].type != wanted || found[0].micros != -order.price || found[0].plan != plan {
                faults.append("\(order.jobID) (\(wanted) of \(order.planID)) was charged \(found.map { "\($0.type) \($0.micros)" })")
            }
            if plans[plan] != "active" { faults.append("\(order.planID) was accepted and is \(plans[plan] ?? "missing")") }
        }
        for job in charges.keys { faults.append("\(job.text("job")) was charged and nobody was told so") }
        let bought = book.accepted.count { !$0.isExtension }
        if plans.count != bought { faults.append("\(bought) purchases were accepted, there are \(plans.count) plans") }
    }

    private mutating func checkMoney(on connection: Connection) throws {
        for (number, reseller) in market.resellers.enumerated() {
            let balance: Money = try connection.run(.once("select balance from wallets where account_id = $1"), reseller.accountID).only()(0)
            let spent = book.accepted.filter { $0.reseller == number }.reduce(0) { $0 + $1.price }
            let expected = (Money(ChaosMarket.money(of: number))?.micros ?? 0) - spent
            if balance.micros != expected { faults.append("reseller \(number) has \(balance.micros), by its own book \(expected)") }
        }
    }

    private mutating func checkRefusals(on connection: Connection) throws {
        let checks = book.refused.compactMap { Identifier($0, prefix: "check") }
        let used: Int = try connection.run(
            .once("select count(*) from price_checks where id = any($1::uuid[]) and used_at is not null"), checks
        ).only()(0)
        if used > 0 { faults.append("\(used) orders were refused and took effect") }
    }

    /// Each event came, under one id however often.
    private mutating func checkEvents() {
        var extensions: [String: Int] = [:]
        for order in book.accepted {
            if order.isExtension {
                extensions[order.planID, default: 0] += 1
            } else {
                let ids = sink.ids("plan.purchased", order.planID)
                if ids.count != 1 { faults.append("the purchase of \(order.planID) was announced under \(ids.count) ids") }
            }
        }
        for (plan, count) in extensions {
            let ids = sink.ids("plan.extended", plan)
            if ids.count != count { faults.append("\(count) extensions of \(plan) were announced under \(ids.count) ids") }
        }
    }
}
