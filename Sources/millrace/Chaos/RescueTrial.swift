internal import Business
internal import Bytes
internal import Engine
internal import Faults
internal import Glibc
internal import Lanes
internal import Postgres

/// How long a job in hand waits when its worker dies: from the signal until another worker has done it; and that a worker that lives is not taken for dead.
///
/// Two workers take turns: one has the job in hand when the other has come up. An atomic job is kept in hand by the lock of its wallet, which is let go at
/// the same moment; a leased one by a subscriber that does not answer.
struct RescueTrial {
    let site: ChaosSite

    func run(rescues: Int, frozen: Int, live: Int) throws {
        let failure: CommandFailure? = try site.with { rig in
            try self.run(rescues, frozen, live, rig)
            return (nil, true)
        } failing: { error in
            CommandFailure(error)
        }
        if let failure { throw failure }
    }

    private func run(_ rescues: Int, _ frozen: Int, _ live: Int, _ rig: ChaosRig) throws {
        let sink = ChaosSink()
        let trial = try Trial(rig, sink, ChaosMarket.open(rig, sinkURL: sink.start()))
        for name in ["relay-0", "scheduler-0"] { try rig.start(name) }
        try tell("atomic job of a killed worker", (0..<rescues).map { _ in try trial.atomic() }, limit: 2)
        try tell("leased job of a killed worker", (0..<rescues).map { _ in try trial.leased(SIGKILL) }, limit: 10)
        try tell("leased job of a frozen worker", (0..<frozen).map { _ in try trial.leased(SIGSTOP) }, limit: 120)
        for number in 0..<live { try trial.live(number % 2 == 0 ? "+3600" : "-3600") }
        if live > 0 {
            let clocks = ChaosRig.fakeTime == nil ? "clocks as they are (libfaketime is not installed)" : "clocks an hour ahead or behind meanwhile"
            Output.line("leased job of a worker that stood still for 60 s, \(clocks): not rescued in \(live) of \(live)")
        }
        let audit = try LiveAudit(invariants: EngineInvariants.all + BusinessInvariants.all, patience: .seconds(10)).run(on: rig.connect())
        guard audit.isClean else {
            audit.tell(asJSON: false)
            throw CommandFailure(.failure, "the audit found \(audit.breaches) breaches")
        }
        try sink.stop()
    }

    private func tell(_ what: String, _ seconds: [Double], limit: Double) throws {
        guard !seconds.isEmpty else { return }
        Output.line(
            "\(what), done elsewhere after: p50 \(Figures.one(Figures.quantile(0.5, seconds))) s, p99 \(Figures.one(Figures.quantile(0.99, seconds))) s, "
                + "worst \(Figures.one(seconds.max() ?? 0)) s, over \(seconds.count); at most \(Figures.one(limit)) s are allowed")
    }
}

private final class Trial {
    private let rig: ChaosRig
    private let sink: ChaosSink
    private let market: ChaosMarket
    private let connection: Connection
    private var turn = 0

    init(_ rig: ChaosRig, _ sink: ChaosSink, _ market: ChaosMarket) throws {
        self.rig = rig
        self.sink = sink
        self.market = market
        connection = try rig.connect()
        sink.become(.taking)
    }

    private var holder: String { "worker-\(turn % 2)" }
    private var other: String { "worker-\((turn + 1) % 2)" }

    func atomic() throws -> Double {
        defer { turn += 1 }
        let buyer = market.resellers[turn % 5]
        try startAlone()
        try setPaused(true)
        let job = try buy(buyer)
        let locker = try rig.connect()
        try locker.script("begin")
        try locker.run(.once("select from wallets where account_id = $1 for update"), buyer.accountID)
        try setPaused(false)
        try wait("the job is in hand", within: 10) {
            try self.count("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") > 0
        }
        try startOther()
        let began = ContinuousClock.now
        rig[holder]?.signal(SIGKILL)
        try locker.script("rollback")
        try wait("the job is done", within: 60) { try self.isDone(job) }
        let seconds = (ContinuousClock.now - began).inSeconds
        try settle()
        return seconds
    }

    func leased(_ signal: Int32) throws -> Double {
        defer { turn += 1 }
        let before = try startWithDelivery()
        let began = ContinuousClock.now
        rig[holder]?.signal(signal)
        // The frozen one has its connection open: only a second request tells.
        try wait("the delivery is made again", within: 150) { self.sink.received > before + 1 }
        let seconds = (ContinuousClock.now - began).inSeconds
        if signal == SIGSTOP { rig.kill(holder) }
        try settle()
        return seconds
    }

    /// Freezes a worker with a job in hand for a minute, while its clock and the scheduler's are an hour off, and lets it go on.
    ///
    /// - Throws: when it was taken for dead.
    func live(_ offset: String) throws {
        defer { turn += 1 }
        _ = try startWithDelivery()
        let row = try connection.run(.once("select worker_id::text, id::text, runs::int8 from running_jobs where kind = 'webhook.deliver'")).only()
        let (worker, job, run): (String, String, Int) = (try row(0), try row(1), try row(2))
        rig[holder]?.signal(SIGSTOP)
        for name in [holder, "scheduler-0"] { rig.setClock(of: name, offset) }
        pause(.seconds(60))
        let holding = "select count(*) from running_jobs where id = '\(job)' and runs = \(run) and worker_id = '\(worker)'"
        let isHeld = try count(holding) == 1
        rig[holder]?.signal(SIGCONT)
        let beats = "select beats from workers where id = '\(worker)'"
        let since: Int = try connection.run(.once(beats)).first?(0) ?? 0
        try wait("the worker goes on under its identity", within: 20) { try (self.connection.run(.once(beats)).first?(0) ?? 0) > since + 5 }
        for name in [holder, "scheduler-0"] { rig.setClock(of: name, "+0") }
        guard isHeld, try count("select count(*) from worker_deaths where worker_id = '\(worker)'") == 0 else {
            throw CommandFailure(.failure, "a worker that stood still for 60 s with clocks at \(offset) s was taken for dead")
        }
        // Its own time-out ends the delivery that was never answered, and the next attempt is taken.
        try settle()
    }

    /// Both workers, and in the holder's hand a delivery that is never answered.
    ///
    /// - Returns: how many requests had come before it.
    private func startWithDelivery() throws -> Int {
        try startAlone()
        sink.become(.hanging)
        let before = sink.received
        _ = try buy(market.resellers[turn % 5])
        try wait("the delivery is in hand", within: 20) { self.sink.received > before }
        try startOther()
        sink.become(.taking)
        return before
    }

    /// Only one worker, so that it is known who has the job.
    private func startAlone() throws {
        rig.kill(other)
        if rig[holder]?.ending != nil || rig[holder] == nil { try rig.start(holder) }
        try waitUntilConsuming(holder)
    }

    private func startOther() throws {
        try rig.start(other)
        try waitUntilConsuming(other)
    }

    private func waitUntilConsuming(_ name: String) throws {
        let queues = rig.platform.catalog.queues.count
        try wait("\(name) consumes", within: 20) {
            (self.rig[name]?.log ?? "").split(separator: "\n").count { $0.contains("consuming") } >= queues
        }
    }

    private func buy(_ buyer: Caller) throws -> Identifier {
        let business = rig.business
        return try connection.transaction { connection in
            let check = try business.priceChecks.check(PriceQuery.Purchase(ChaosMarket.product, quantity: 3), by: buyer, on: connection)
            return try business.plans.requestPurchase(check.id, by: buyer, on: connection).jobID
        }
    }

    private func setPaused(_ paused: Bool) throws {
        let ledger = rig.business.ledger
        try connection.transaction { try ledger.setPaused(paused, queue: "purchase", actor: nil, on: $0) }
        try connection.notify(RelayBell.channel)
    }

    private func isDone(_ job: Identifier) throws -> Bool {
        try connection.run(.once("select count(*) from finished_jobs where id = $1 and state = 'completed'"), job).only()(0) > 0
    }

    private func settle() throws {
        try wait("nothing is left", within: 60) {
            try self.count("select count(*) from jobs where kind in ('plan.purchase', 'webhook.deliver')") == 0
        }
    }

    private func count(_ sql: String) throws -> Int { try connection.run(.once(sql)).only()(0) }

    private func wait(_ what: String, within seconds: Int, _ condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try !condition() {
            guard ContinuousClock.now < deadline else { throw CommandFailure(.failure, "did not happen in \(seconds) s: \(what)") }
            pause(.milliseconds(5))
        }
    }
}
