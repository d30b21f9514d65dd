internal import Business
internal import Bytes
internal import Engine
internal import Faults
internal import Glibc
internal import Lanes
internal import Postgres
internal import Synchronization

/// SIGTERM at full load: it ends within its grace with 0, no attempt is spent, nothing takes effect twice.
///
/// The backlog is kept full by purchases in bulk, so each worker is stopped with batches of atomic jobs and deliveries in hand. Every sixteenth delivery
/// hangs at the subscriber for longer than the grace.
struct StopTrial {
    let site: ChaosSite

    private static let grace = Duration.seconds(3)

    func run(_ times: Int) throws {
        let faults = try site.with { rig in
            let faults = try self.run(times, rig)
            return (faults, faults.isEmpty)
        } failing: { error in
            ["the trial broke off: \(CommandFailure(error).message)"]
        }
        for fault in faults { Output.line("  FAULT \(fault)") }
        if !faults.isEmpty { throw CommandFailure(.failure, "\(faults.count) faults; logs: \(site.folder)/\(site.lastName)") }
    }

    private func run(_ times: Int, _ rig: ChaosRig) throws -> [String] {
        let sink = ChaosSink()
        sink.become(.hangingSometimes)
        let market = try ChaosMarket.open(rig, sinkURL: sink.start())
        for name in ["relay-0", "scheduler-0"] { try rig.start(name) }
        let connection = try rig.connect()
        var (faults, seconds, bought): ([String], [Double], Int) = ([], [], 0)
        for number in 1...times {
            let waiting: Int = try connection.run(.once("select count(*) from jobs where kind = 'plan.purchase'")).only()(0)
            if waiting < 400 { bought += try buy(400, rig, market, connection) }
            let ended: Int = try connection.run(.once("select count(*) from finished_jobs")).only()(0)
            try rig.start("worker-0", with: ["MILLRACE_WORKER_GRACE": "3s"])
            try wait(rig, connection, until: ended + 20 + number % 7 * 15)
            guard let worker = rig["worker-0"] else { continue }
            let began = ContinuousClock.now
            worker.signal(SIGTERM)
            let ending = worker.wait(within: Self.grace + .seconds(5))
            seconds.append((ContinuousClock.now - began).inSeconds)
            if ending != .code(0) { faults.append("stop \(number) ended with \(ending.map { "\($0)" } ?? "nothing, after 8 s")") }
            let left: Int = try connection.run(.once("select count(*) from running_jobs")).only()(0)
            if left > 0 { faults.append("stop \(number) left \(left) leases") }
        }
        sink.become(.taking)
        try rig.start("worker-1")
        try finish(rig, connection, &faults, bought)
        Output.line(
            "\(times) stops under load; SIGTERM to exit p50 \(Figures.one(Figures.quantile(0.5, seconds))) s, "
                + "p99 \(Figures.one(Figures.quantile(0.99, seconds))) s, worst \(Figures.one(seconds.max() ?? 0)) s; grace 3 s; \(bought) purchases")
        try sink.stop()
        return faults
    }

    private func buy(_ count: Int, _ rig: ChaosRig, _ market: ChaosMarket, _ connection: Connection) throws -> Int {
        let (business, buyers) = (rig.business, Array(market.resellers.dropLast()).sorted { $0.accountID < $1.accountID })
        for buyer in buyers {
            try connection.transaction { connection in
                for _ in 0..<count / buyers.count {
                    let check = try business.priceChecks.check(PriceQuery.Purchase(ChaosMarket.product, quantity: 3), by: buyer, on: connection)
                    _ = try business.plans.requestPurchase(check.id, by: buyer, on: connection)
                }
            }
        }
        return count / buyers.count * buyers.count
    }

    private func wait(_ rig: ChaosRig, _ connection: Connection, until count: Int) throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            let ended: Int = try connection.run(.once("select count(*) from finished_jobs")).only()(0)
            if ended >= count { return }
            pause(.milliseconds(5))
        }
        throw CommandFailure(.failure, "the worker does not work")
    }

    private func finish(_ rig: ChaosRig, _ connection: Connection, _ faults: inout [String], _ bought: Int) throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline {
            let left: Int = try connection.run(.once("select count(*) from jobs where kind in ('plan.purchase', 'webhook.deliver')")).only()(0)
            if left == 0 { break }
            pause(.milliseconds(100))
        }
        let spent: Int = try connection.run(.once("select coalesce(max(attempt), 0) from finished_jobs")).only()(0)
        if spent != 1 { faults.append("attempts were spent: up to \(spent)") }
        let active: Int = try connection.run(.once("select count(*) from plans where status = 'active'")).only()(0)
        if active != bought { faults.append("\(bought) were bought, \(active) are active") }
        let audit = try LiveAudit(invariants: EngineInvariants.all + BusinessInvariants.all, patience: .seconds(10)).run(on: connection)
        for result in audit.broken { faults.append("\(result.invariant.name): \(result.finding.count) × \(result.finding.breaches.prefix(3))") }
    }
}
