import Bytes
import Clocks
import Faults
import JSON
import Lanes
import Postgres
import TestSupport

@testable import Engine

/// The engine's moves one by one, as a die decides, with a broker that the test plays.
final class Model {
    private struct Message {
        var id: Identifier
        var publish: Int64
        var kind: String
    }

    private let rig: EngineRig
    private let dice: Dice
    /// The way of relay, workers and maintenance to the database.
    private let proxy: FaultProxy
    private let shaky: ConnectionSettings
    /// Reads, and makes the test's own changes.
    private let observer: Connection
    /// Holds the locks of the workers that live.
    private let locks: Connection
    private var broker: [Message] = []
    private var hands: [ModelWorker] = []
    /// Runs of workers that were taken for dead and are not: their ends come late.
    private var zombies: [(ModelWorker, ClaimedJob)] = []
    private var accepted: [Identifier] = []
    private var picker = OutboxPicker()
    /// All that ever was at the broker.
    private var sent: [Message] = []
    private var rescuer: Rescuer
    private var now: Int64 = 1_000_000_000_000
    private var nextLock = 500_000
    private var keeper: LimitKeeper

    private static let atomicKinds: Set<String> = ["test.atomic", "test.slotted"]

    init(_ rig: EngineRig, _ dice: Dice, _ proxy: FaultProxy, _ shaky: ConnectionSettings) throws {
        self.rig = rig
        self.dice = dice
        self.proxy = proxy
        self.shaky = shaky
        observer = try Connection(rig.settings)
        locks = try Connection(rig.settings)
        rescuer = Rescuer(settings: SchedulerSettings(), ledger: rig.ledger, log: rig.log)
        keeper = LimitKeeper(ledger: rig.ledger, log: rig.log)
        for _ in 0..<2 { try hire() }
    }

    deinit { for hand in hands + zombies.map(\.0) { hand.pool.stop() } }

    // MARK: - Moves

    func wander(steps: Int) throws {
        for _ in 0..<10 { try enqueue() }
        for step in 0..<steps {
            let move = dice.roll(100)
            dice.note("step \(step), move \(move), broker \(broker.count)")
            if dice.roll(4) == 0 { proxy.snap(after: dice.roll(14), heard: dice.roll(2) == 0) }
            switch move {
            case 0..<10: try enqueue()
            case 10..<29: try relay()
            case 29..<46: try claim()
            case 46..<66: try end()
            case 66..<70: repeatMessage()
            case 70..<73: loseMessages()
            case 73..<77: try cancel()
            case 77..<80: try pause()
            case 80..<85: try maintain()
            case 85..<89: try die()
            case 89..<92: try lateEnd()
            case 92..<94: try retry()
            case 94..<96: try giveBack()
            case 96..<97: try deadLetter()
            case 97..<98: try wipe()
            default: try resend()
            }
            proxy.unsnap()
            try check()
        }
    }

    /// What the process does about a connection that broke: it goes on, and does the same again when its turn comes.
    ///
    /// Also when all is calm: a connection that broke while nobody used it is noticed then.
    private func surviving(_ what: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as PostgresError where error.isConnectionLoss || error.isTransient || error.kind == .commitUnknown {
            dice.note("\(what) met: \(error)")
        }
    }

    /// Everything goes well from here on: every job must come to its end.
    func drain() throws {
        dice.note("draining")
        dice.calmDown()
        try observer.script("delete from queue_controls")
        for _ in 0..<400 {
            try resend()
            try maintain()
            try relay()
            while !broker.isEmpty { try claim() }
            while hands.contains(where: { !$0.leased.isEmpty }) { try end() }
            try check()
            let living: Int = try observer.run(.once("select count(*) from jobs")).only()(0)
            if living == 0 { break }
        }
        while !zombies.isEmpty { try lateEnd() }
        try check()
        let finished: Int = try observer.run(.once("select count(*) from finished_jobs")).only()(0)
        guard finished == accepted.count else { throw Broken(description: "\(accepted.count) were accepted, \(finished) have ended") }
    }

    private func enqueue() throws {
        let kind = ["test.atomic", "test.leased", "test.unique", "test.limited", "test.rated", "test.slotted"][dice.roll(6)]
        let count = dice.roll(4) + 1
        let jobs = (0..<count).map { _ in
            NewJob(
                kind, ["key": .string("\(dice.roll(kind == "test.unique" ? 3 : 2))")], runAt: dice.roll(4) == 0 ? .now + .milliseconds(3) : nil,
                priority: dice.roll(3))
        }
        let ledger = rig.ledger
        let enqueued = try observer.transaction { try ledger.enqueue(jobs, on: $0) }
        accepted += enqueued.filter(\.isNew).map(\.id)
    }

    /// The relay, with a crash before publishing, between publishing and marking, or between marking and the commit.
    private func relay() throws {
        struct Crash: Error {}
        let crash = dice.isCalm ? 9 : dice.roll(10)
        try surviving("the relay") { try relay(crashing: crash, Crash()) }
    }

    private func relay<Crash: Error>(crashing crash: Int, _ end: Crash) throws {
        let connection = try Connection(shaky)
        do {
            let paused: [String] = try connection.run(SQL.Relay.lookAround, 1000, false).only()("paused")
            if paused.contains("fast") { return }
            try connection.transaction { connection in
                let rows = try picker.pick(queue: "fast", slots: dice.roll(6) + 1, on: connection)
                if crash == 0 { throw end }
                let kinds = try Dictionary(uniqueKeysWithValues: rows.map { (try $0("job_id") as Identifier, try $0("kind") as String) })
                let marked = try connection.run(SQL.Relay.markSent, Array(kinds.keys))
                if crash == 1 { throw end }
                for row in marked {
                    let id: Identifier = try row("job_id")
                    broker.append(Message(id: id, publish: try row("publish"), kind: kinds[id] ?? ""))
                    sent.append(broker[broker.count - 1])
                    if crash == 2 { throw end }
                }
                if crash == 3 { throw end }
            }
        } catch {
            // Its memory goes with it.
            picker = OutboxPicker()
            guard error is Crash else { throw error }
            dice.note("the relay crashed at \(crash)")
        }
    }

    private func claim() throws {
        guard let hand = dice.pick(hands), !broker.isEmpty else { return }
        broker.shuffle(using: dice)
        let messages = Array(broker.prefix(dice.roll(5) + 1))
        broker.removeFirst(messages.count)
        // Unless the claim is told to be done its messages are not acknowledged, and come again.
        broker += messages
        try surviving("a claim") {
            try claim(messages, by: hand)
            broker.removeLast(messages.count)
        }
    }

    private func claim(_ messages: [Message], by hand: ModelWorker) throws {
        // Now and then as a worker without a broker finds them.
        let isTold = dice.roll(4) > 0
        var requests = messages.map { message in
            isTold
                ? ClaimRequest.told(id: message.id, publish: message.publish, kind: message.kind)
                : ClaimRequest(id: message.id, publish: message.publish, kind: message.kind)
        }
        let atomic = requests.filter { Self.atomicKinds.contains($0.kind) }
        requests.removeAll { Self.atomicKinds.contains($0.kind) }
        if !atomic.isEmpty {
            for suspect in try AtomicBatch(core: hand.core).run(atomic, lane: hand.lane) { try runAlone(suspect, hand) }
        }
        guard !requests.isEmpty else { return }
        // The leases are committed, and then nobody knows of them: a lost answer to COMMIT.
        if !dice.isCalm, dice.roll(10) == 0 {
            dice.note("a claim went unnoticed")
            var forgetful = hand.core
            forgetful.running = RunningJobs()
            let runner = LeasedRunner(core: forgetful, settler: hand.settler)
            let rest = try runner.claimAtOnce(requests, lane: hand.lane).rest
            if !rest.isEmpty { _ = try runner.claim(rest, lane: hand.lane) }
            return
        }
        var claimed = try hand.runner.claimAtOnce(requests, lane: hand.lane)
        hand.leased += claimed.jobs
        guard !claimed.rest.isEmpty else { return }
        claimed = try hand.runner.claim(claimed.rest, lane: hand.lane)
        hand.leased += claimed.jobs
        for suspect in claimed.suspects { try runAlone(suspect, hand) }
    }

    private func runAlone(_ suspect: ClaimRequest, _ hand: ModelWorker) throws {
        guard let deaths = try Claim.countDeath(suspect, on: hand.lane.connection()) else { return }
        if Self.atomicKinds.contains(suspect.kind) { return try AtomicBatch(core: hand.core).runAlone(suspect, deaths: deaths, lane: hand.lane) }
        let jobs = try hand.runner.claim([suspect], allowingSuspects: true, lane: hand.lane).jobs
        if deaths > WorkerCore.deathsAlone { try hand.runner.bury(jobs, error: .poison, lane: hand.lane) } else { hand.leased += jobs }
    }

    /// A leased run comes to an end of some kind, and it is written.
    private func end() throws {
        guard let hand = dice.pick(hands.filter { !$0.leased.isEmpty }) else { return }
        try write(hand, hand.leased.remove(at: dice.roll(hand.leased.count)))
    }

    private func write(_ hand: ModelWorker, _ job: ClaimedJob) throws {
        let effects: @Sendable (Connection) throws -> Void = { try $0.run(.once("insert into effects values ($1, 'leased')"), job.id) }
        let (end, hasEffects): (LifeCycle<SystemRandomNumberGenerator>.End, Bool) =
            switch job.cancelled ? -1 : dice.isCalm ? 0 : dice.roll(10) {
            case -1: (.withdrawn, false)
            case 0...3: (.done(nil), true)
            case 4, 5: (.done("without effects"), false)
            case 6: (.failed(JobError(.transient, code: "transient", "again")), false)
            case 7: (.failed(JobError(.permanent, code: "permanent", "never")), false)
            case 8: (.failed(JobError(.interrupted, code: "interrupted", "off")), false)
            default: (.snooze(.milliseconds(1)), false)
            }
        let settled = Mailbox<Never>()
        let running = hand.core.running
        hand.settler.put(
            Settler.Ended(job: job, end: end, effects: hasEffects ? Effects(effects) : nil) { isWritten in
                if isWritten, let lease = job.lease { running.letGo(lease.claim) }
                settled.close()
            })
        _ = settled.take(timeout: .seconds(20))
        guard settled.isClosed else { throw Broken(description: "an end was never written") }
    }

    private func repeatMessage() {
        guard let message = dice.pick(broker) else { return }
        broker.append(message)
        // And one of long ago, with a number that was right then.
        if let old = dice.pick(sent) { broker.append(old) }
    }

    private func loseMessages() {
        if dice.roll(4) == 0 { broker = [] } else { _ = broker.popLast() }
    }

    private func cancel() throws {
        guard let id = dice.pick(accepted) else { return }
        let ledger = rig.ledger
        do {
            _ = try observer.transaction { try ledger.cancel(id, actor: nil, on: $0) }
        } catch is LedgerError {}
    }

    private func pause() throws {
        let paused = dice.roll(3) == 0
        let ledger = rig.ledger
        try observer.transaction { try ledger.setPaused(paused, queue: "fast", actor: nil, on: $0) }
    }

    private func retry() throws {
        guard let id = dice.pick(accepted) else { return }
        let ledger = rig.ledger
        do {
            try observer.transaction { try ledger.retry(id, on: $0) }
        } catch is LedgerError {}
    }

    /// A worker that stops gives back what it has prefetched.
    private func giveBack() throws {
        let count = min(broker.count, dice.roll(4) + 1)
        let messages = broker.suffix(count)
        try surviving("a stop") {
            _ = try Connection(shaky).run(SQL.Claim.giveBack, messages.map(\.id), messages.map(\.publish))
            broker.removeLast(count)
        }
    }

    /// The broker has given a message back too often.
    private func deadLetter() throws {
        guard let message = broker.popLast() else { return }
        try surviving("the reader of dead letters") { _ = try Connection(shaky).run(SQL.Maintenance.suspectOutbox, [message.id]) }
    }

    /// The broker comes back empty, and a relay sees that.
    private func wipe() throws {
        broker = []
        try surviving("the relay") { _ = try Connection(shaky).run(SQL.Ledger.unsend, "fast") }
    }

    private func resend() throws {
        var resender = Resender(after: .zero)
        _ = try resender.round(observer)
    }

    /// A few rounds of the maintenance, and an audit in each worker.
    private func maintain() throws {
        let ledger = rig.ledger
        for _ in 0..<7 {
            now += 1_000_000_000
            try surviving("the maintenance") {
                let connection = try Connection(shaky)
                try rescuer.round(connection, now: now)
                _ = try connection.transaction { try ledger.cancelSignalled(on: $0) }
                try keeper.round(connection)
            }
        }
        try surviving("house-keeping") { try keeper.keepHouse(Connection(shaky)) }
        for hand in hands {
            try surviving("an audit of leases") {
                let connection = try Connection(shaky)
                var audit = LeaseAudit(ledger: rig.ledger, running: hand.core.running, log: rig.log)
                try audit.round(connection, worker: hand.core.identity.id, now: 0)
                try audit.round(connection, worker: hand.core.identity.id, now: 6_000_000_000)
            }
        }
    }

    /// A worker dies: its lock and what it had in hand are gone; or it is only taken for dead, and its ends come late.
    private func die() throws {
        guard let index = hands.indices.randomElement(using: dice) else { return }
        let hand = hands.remove(at: index)
        try locks.run(.once("select pg_advisory_unlock(1837, $1::int4)"), hand.lock)
        if dice.roll(2) == 0 { zombies += hand.leased.map { (hand, $0) } } else { hand.pool.stop() }
        try hire()
    }

    /// The end of a run whose lease may be another's by now: then it changes nothing.
    private func lateEnd() throws {
        guard !zombies.isEmpty else { return }
        let (hand, job) = zombies.remove(at: dice.roll(zombies.count))
        let life = Statement.once(
            "select (select j::text from jobs j where id = $1 and runs <> $2) || (select count(*) from effects)::text")
        let before: String? = try observer.run(life, job.id, job.lease?.run).only()(0)
        try write(hand, job)
        guard let before else { return }
        let after: String? = try observer.run(life, job.id, job.lease?.run).only()(0)
        guard before == after else { throw Broken(description: "a late end was not fenced: \(before) became \(after ?? "gone")") }
    }

    private func hire() throws {
        nextLock += 1
        let hand = try ModelWorker(rig, shaky, lock: nextLock)
        try locks.run(.once("select pg_advisory_lock(1837, $1::int4)"), nextLock)
        try observer.run(
            .once("insert into workers (id, lock, host, process, role, queues) values ($1, $2::int4, 'h', 1, 'w', '{fast}')"), hand.core.identity.id,
            nextLock)
        // A frozen worker is another test's; these beat.
        try observer.script("update workers set beats = beats + 1")
        hands.append(hand)
    }

    // MARK: - What must be true

    private func check() throws {
        try observer.script("update workers set beats = beats + 1")
        for row in try observer.run(ModelFaults.check) {
            let (what, count): (String, Int) = (try row("what"), try row("count"))
            if count > 0 { throw Broken(description: "\(what): \(count)") }
        }
        let known: Int = try observer.run(.once("select (select count(*) from jobs) + (select count(*) from finished_jobs)")).only()(0)
        guard known == accepted.count else { throw Broken(description: "\(accepted.count) jobs were accepted, the ledger has \(known)") }
    }
}
