internal import Bytes
internal import Lanes
internal import Postgres
internal import Telemetry

// What becomes of a batch of wake-ups: through the gate, to a lane, and then acked or given back. Every way out of here counts down what was counted up.
extension QueueRunner {
    func startAtomic(_ batch: [ClaimRequest]) {
        begin(batches: 1)
        Task { [self] in
            defer { end(batches: 1) }
            let (ordinary, suspects) = await split(batch)
            var alone = suspects
            if !ordinary.isEmpty {
                await core.gate.enterShared()
                let found = await onLane { [core] lane in try AtomicBatch(core: core).run(ordinary, lane: lane) }
                core.gate.leaveShared()
                alone += await settle(ordinary, suspects: found)
            }
            for suspect in alone { await runAtomicAlone(suspect) }
        }
    }

    private func runAtomicAlone(_ suspect: ClaimRequest) async {
        await core.gate.enterAlone()
        var ran: Void?
        // Counted once, whatever the database does during the run.
        let deaths = await onLane { lane in try Claim.countDeath(suspect, on: lane.connection()) }
        if let deaths, let deaths {
            ran = await onLane { [core] lane in try AtomicBatch(core: core).runAlone(suspect, deaths: deaths, lane: lane) }
        } else if deaths != nil {
            ran = ()
        }
        core.gate.leaveAlone()
        if ran != nil { done([suspect]) } else { await giveBack([suspect]) }
    }

    func startLeased(_ batch: [ClaimRequest]) {
        begin(leased: batch.count)
        Task { [self] in
            let (ordinary, suspects) = await split(batch)
            let later = ordinary.isEmpty ? [] : await startLeasedTogether(ordinary)
            for suspect in suspects + later { await runLeasedAlone(suspect) }
        }
    }

    /// - Returns: the suspects among them, which keep their places.
    private func startLeasedTogether(_ batch: [ClaimRequest]) async -> [ClaimRequest] {
        await core.gate.enterShared(batch.count)
        var rest = batch
        if let claimed = await untilDone({ [claims] in try await claims.claim(batch) }) {
            rest = claimed.rest
            let left = Set(rest.map(\.id))
            done(batch.filter { !left.contains($0.id) })
            begin(claimed.jobs, of: batch.count - rest.count)
        }
        guard !rest.isEmpty else { return [] }
        let claimed = await onLane { [runner, rest] lane in try runner.claim(rest, lane: lane) }
        let later = await settle(rest, suspects: claimed?.suspects)
        core.gate.leaveShared(later.count)
        begin(claimed?.jobs ?? [], of: rest.count - later.count)
        return later
    }

    /// Starts what a claim took of so many wake-ups; the places of the others are free.
    private func begin(_ jobs: [ClaimedJob], of count: Int) {
        core.gate.leaveShared(count - jobs.count)
        end(leased: count - jobs.count)
        for job in jobs { runner.start(job, in: place { [core] in core.gate.leaveShared() }) }
    }

    private func runLeasedAlone(_ suspect: ClaimRequest) async {
        await core.gate.enterAlone()
        let deaths = await onLane { lane in try Claim.countDeath(suspect, on: lane.connection()) }
        var jobs: [ClaimedJob]? = deaths == nil ? nil : []
        if let deaths, let deaths {
            jobs = await onLane { [runner] lane in try runner.claim([suspect], allowingSuspects: true, lane: lane).jobs }
            if let claimed = jobs, !claimed.isEmpty, deaths > WorkerCore.deathsAlone {
                _ = await onLane { [runner] lane in try runner.bury(claimed, error: .poison, lane: lane) }
                jobs = []
            }
        }
        if jobs != nil { done([suspect]) } else { await giveBack([suspect]) }
        guard let job = jobs?.first else {
            core.gate.leaveAlone()
            return end(leased: 1)
        }
        runner.start(job, in: place { [core] in core.gate.leaveAlone() })
    }

    private func place(_ ended: @escaping @Sendable () -> Void) -> Place {
        Place { [self] in
            standAside()
        } leave: { [self] wasAside in
            ended()
            if wasAside { end(aside: 1) } else { end(leased: 1) }
        }
    }

    /// Acks what is done with, gives back what was not begun because the worker stops.
    ///
    /// - Returns: the suspects, which are to run alone.
    private func settle(_ requests: [ClaimRequest], suspects: [ClaimRequest]?) async -> [ClaimRequest] {
        guard let suspects else {
            await giveBack(requests)
            return []
        }
        let later = Set(suspects.map(\.id))
        done(requests.filter { !later.contains($0.id) })
        return suspects
    }

    /// A redelivery proves nothing by itself: only when a worker of this queue died may one of its jobs be the cause.
    ///
    /// Then the mark is committed first.
    private func split(_ batch: [ClaimRequest]) async -> (ordinary: [ClaimRequest], suspects: [ClaimRequest]) {
        let again = batch.filter(\.redelivered)
        guard !again.isEmpty else { return (batch, []) }
        let queue = definition.queue
        let lost = await onLane { lane in
            let connection = try lane.connection()
            guard try connection.run(SQL.Claim.lostWorkers, queue).only()("lost") as Bool else { return false }
            try connection.run(SQL.Claim.markSuspects, again.map(\.id))
            return true
        }
        return lost == true ? (batch.filter { !$0.redelivered }, again) : (batch, [])
    }

    /// What was prefetched and not begun goes back to the outbox and is acked, so that it comes to another worker fresh and not as a redelivery.
    func giveBack(_ requests: [ClaimRequest]) async {
        let back = requests.filter { $0.receipt != nil }
        guard !back.isEmpty else { return }
        for attempt in 1...3 {
            do {
                // Not on the lanes: those may be busy until the grace period is over.
                try await core.database.run { _ = try $0.run(SQL.Claim.giveBack, back.map(\.id), back.map(\.publish)) }
                done(back)
                core.ledger.bell?.ring()
                return
            } catch {
                guard attempt == 3 else { continue }
                core.log.warning("prefetched jobs could not be given back; the broker redelivers them", ["error": String(describing: error)])
            }
        }
    }

    /// Runs on a lane, again and again while the database is away; nil when the worker stops: what had not begun then does not begin.
    private func onLane<R: Sendable>(_ body: @escaping @Sendable (WorkLane) throws -> R) async -> R? {
        await untilDone { [pool] in try await pool.run(body) }
    }

    private func untilDone<R: Sendable>(_ work: () async throws -> R) async -> R? {
        var failures = 0
        while !isStopping {
            do {
                return try await work()
            } catch is LanePoolStopped {
                return nil
            } catch {
                failures += 1
                if failures == 1 || failures % 50 == 0 {
                    core.log.warning(
                        "work waits for the database", ["queue": definition.queue, "error": String(describing: error), "failures": "\(failures)"])
                }
                try? await Task.sleep(for: .milliseconds(min(50 * failures, 2000)))
            }
        }
        return nil
    }
}
