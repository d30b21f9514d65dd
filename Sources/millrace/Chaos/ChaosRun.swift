internal import Business
internal import Bytes
internal import Clocks
internal import Engine
internal import JSON
internal import Lanes
internal import Postgres

/// One run: load, faults, and then everything must be as if there had been none.
struct ChaosRun {
    let plan: FaultPlan
    let rig: ChaosRig
    let servers: ChaosServers?

    struct Report {
        var faults: [String] = []
        var baseline = 0.0
        var recovery: Duration?
        var drained: Duration?
        var orders = 0
        var refused = 0
        var requests = 0
        var repeated = 0
        var deliveries = 0
        var audit: LiveAudit.Report?

        var passed: Bool { faults.isEmpty && (audit?.isClean ?? false) }
    }

    /// After the end of the last fault.
    private static let patience = Duration.seconds(30)

    func run() throws -> Report {
        var report = Report()
        let sink = ChaosSink()
        let market = try ChaosMarket.open(rig, sinkURL: sink.start())
        for role in ChaosRig.roles { try rig.start(role.name) }
        let load = ChaosLoad()
        load.start(port: rig.apiPort)
        let meter = RateMeter(rig)
        meter.start()
        defer { meter.stop() }
        report.baseline = try baseline(meter)
        try bulk(market, load.book)

        report.faults += FaultPlayer(rig, servers: servers).play(plan)
        report.recovery = meter.wait(for: report.baseline, within: .seconds(60))
        if report.recovery.map({ $0 > Self.patience }) ?? true { report.faults.append("full rate was not reached again within 30 s") }
        if !load.stop(within: .seconds(60)) { report.faults.append("requests were never answered for good") }
        report.drained = try drain()
        if report.drained == nil { report.faults.append("jobs were left after 60 s: \(try leftovers())") }
        report.faults += rig.ended

        let connection = try rig.connect()
        let book = load.book.all
        report.faults += try ChaosVerdict(book, market, sink, on: connection).faults
        report.audit = try LiveAudit(invariants: EngineInvariants.all + BusinessInvariants.all, patience: .seconds(10)).run(on: connection)
        (report.orders, report.refused) = (book.accepted.count, book.refused.count)
        (report.requests, report.repeated, report.deliveries) = (book.requests, book.repeated, sink.received)
        try sink.stop()
        return report
    }

    private func baseline(_ meter: RateMeter) throws -> Double {
        let deadline = ContinuousClock.now + .seconds(30)
        pauseThread(.seconds(1))
        while ContinuousClock.now < deadline {
            if let ended = rig.ended.first { throw CommandFailure(.failure, ended) }
            if let rate = meter.rate(over: 1), rate > 10 {
                pauseThread(.seconds(2))
                return meter.rate(over: 2) ?? rate
            }
            pauseThread(.milliseconds(100))
        }
        throw CommandFailure(.failure, "the load did not get going")
    }

    /// A backlog for the faults to fall into: purchases in one transaction, and everything that was delivered once more.
    private func bulk(_ market: ChaosMarket, _ book: ChaosBook) throws {
        let (business, buyer) = (rig.business, market.resellers[1])
        let connection = try rig.connect()
        let orders = try connection.transaction { connection in
            try (0..<100).map { _ in
                let check = try business.priceChecks.check(PriceQuery.Purchase(ChaosMarket.product, quantity: 3), by: buyer, on: connection)
                let request = try business.plans.requestPurchase(check.id, by: buyer, on: connection)
                return ChaosBook.Order(
                    reseller: 1, checkID: check.id.text("check"), planID: request.plan.id.text("plan"), jobID: request.jobID.text("job"),
                    price: check.price.micros, isExtension: false)
            }
        }
        for order in orders { book.accept(order) }
        let endpoints: [Identifier] = try connection.run(.once("select id from webhook_endpoints order by id")).map { try $0("id") }
        for endpoint in endpoints {
            _ = try connection.transaction {
                try business.webhooks.replay(
                    endpoint: endpoint, from: .now - .seconds(7200), to: .now + .seconds(7200), onlyFailed: false, dryRun: false, by: market.staff,
                    on: $0)
            }
        }
    }

    private static let left = "from jobs where kind not in ('plan.expire', 'retention.sweep')"

    private func drain() throws -> Duration? {
        let began = ContinuousClock.now
        let connection = try rig.connect()
        while ContinuousClock.now - began < .seconds(60) {
            let count: Int = try connection.run(.once("select count(*) \(Self.left)")).only()(0)
            if count == 0 { return ContinuousClock.now - began }
            pauseThread(.milliseconds(100))
        }
        return nil
    }

    private func leftovers() throws -> String {
        let sql =
            "select concat_ws(' ', count(*), kind, state, 'attempt', attempt, 'suspect', suspect) as line \(Self.left) "
            + "group by kind, state, attempt, suspect"
        return try rig.connect().run(.once(sql)).map { try $0("line") as String }.joined(separator: "; ")
    }
}
