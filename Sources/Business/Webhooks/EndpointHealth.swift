package import Clocks

/// Whether an endpoint may be called, as its last attempts say: a circuit breaker with a single probe and a ramp, and the lane that its pace belongs to.
///
///     closed ──failures in a row──▶ open ──pause over──▶ probing ──success──▶ ramping ──steps──▶ closed
///                                    ▲ ◀──────failure──────┘                    │
///                                    └───────────────failure───────────────────┘
///
/// Pure: the caller brings the time, keeps the row and obeys. What it guards against: thousands of deliveries that each wait for the same dead server, a
/// server that comes back and is felled by its backlog, and slow answers that take the places of quick ones. An open endpoint's deliveries wait without
/// spending an attempt and without touching the network, so a receiver's outage costs none of the attempts that its deliveries have.
package struct EndpointHealth: Sendable, Equatable {
    package enum Phase: String, Sendable, CaseIterable {
        /// Called freely.
        case closed
        /// Not called until `until`.
        case open
        /// One delivery is on its way to find out; until `until`, then another may.
        case probing
        /// It answers again: `allowed` at a time.
        case ramping
    }

    /// How an attempt went, as far as the breaker cares.
    package enum Result: Sendable, Equatable {
        case success
        case failure(code: String)
        /// The receiver said when to come back.
        case throttled(Duration, code: String)
    }

    package var phase = Phase.closed
    /// When the phase began; what was sent before says nothing about it.
    package var since: Instant
    package var until: Instant?
    /// In a row.
    package var failures = 0
    /// In a row, without having closed in between; each makes the next pause longer.
    package var openings = 0
    /// While ramping: how many at a time, and how many succeeded on this step.
    package var allowed = 0
    package var successes = 0
    /// The code of what opened it.
    package var reason: String?
    /// Its deliveries go in the slow lane.
    package var isSlow = false
    /// Slow answers in a row while it counts as quick, quick ones while it counts as slow.
    package var paceCount = 0

    package init(since: Instant) { self.since = since }

    /// Nothing is to be remembered about it.
    package var isPlain: Bool { phase == .closed && failures == 0 && openings == 0 && !isSlow && paceCount == 0 }

    /// Failures have opened it, and it has not closed since.
    ///
    /// Its owner is told of the beginning and of the end, however many probes fail in between. A pause that the receiver asked for is no outage.
    package var isOut: Bool { openings > 0 }

    /// Whether the endpoint may be called at this moment.
    package enum Admission: Sendable, Equatable {
        case send
        /// The one that asks first may; the row decides who that is.
        case probe
        case wait(until: Instant)
    }

    package func admission(at now: Instant) -> Admission {
        switch phase {
        case .closed, .ramping: return .send
        case .open, .probing:
            guard let until, now < until else { return .probe }
            return .wait(until: until)
        }
    }

    /// The pause of the opening in hand.
    package func pause(_ rules: BreakerRules) -> Duration {
        var pause = rules.firstPause
        for _ in 1..<max(2, min(openings, 30)) where openings > 1 && pause < rules.longestPause { pause = pause * 2 }
        return min(pause, rules.longestPause)
    }

    /// Notes how an attempt went.
    ///
    /// - Parameters:
    ///   - isProbe: it is the one that the row let through.
    ///   - startedAt: when it was sent; what was sent before the phase began only counts for the pace.
    ///   - full: the endpoint's own in-flight limit, where the ramp ends.
    package mutating func observe(
        _ result: Result, took duration: Duration, isProbe: Bool, startedAt: Instant, now: Instant, full: Int, rules: BreakerRules
    ) {
        observePace(result, duration, rules)
        if case .throttled(let pause, let code) = result {
            // Its wish counts in every phase, and is no failure: the endpoint lives and says so.
            let wanted = now + min(pause, rules.longestThrottle)
            if phase == .open, let until, until >= wanted { return }
            return open(until: wanted, because: code, now: now)
        }
        switch phase {
        case .closed: observeClosed(result, startedAt, now, rules)
        case .open: break
        case .probing where isProbe:
            if case .failure(let code) = result { return reopen(because: code, now: now, rules) }
            phase = .ramping
            (since, until, failures, successes) = (now, nil, 0, 0)
            allowed = rules.rampStart
        case .ramping where startedAt >= since:
            if case .failure(let code) = result { return reopen(because: code, now: now, rules) }
            successes += 1
            guard successes >= allowed else { return }
            (allowed, successes) = (allowed * 2, 0)
            if allowed >= full { close(now) }
        case .probing, .ramping: break
        }
    }

    private mutating func observeClosed(_ result: Result, _ startedAt: Instant, _ now: Instant, _ rules: BreakerRules) {
        guard case .failure(let code) = result else {
            failures = 0
            return
        }
        // Of what was sent before it was closed a moment ago.
        guard startedAt >= since else { return }
        failures += 1
        if failures >= rules.failuresToOpen { reopen(because: code, now: now, rules) }
    }

    private mutating func reopen(because code: String, now: Instant, _ rules: BreakerRules) {
        openings += 1
        open(until: now + pause(rules), because: code, now: now)
    }

    private mutating func open(until: Instant, because code: String, now: Instant) {
        phase = .open
        (since, self.until, reason, allowed, successes) = (now, until, code, 0, 0)
    }

    private mutating func close(_ now: Instant) {
        phase = .closed
        (since, until, failures, openings, allowed, successes, reason) = (now, nil, 0, 0, 0, 0, nil)
    }

    /// One timeout or a few slow answers make it slow, many quick ones quick again.
    private mutating func observePace(_ result: Result, _ duration: Duration, _ rules: BreakerRules) {
        let isSlowAnswer = duration >= rules.slowAfter
        if isSlow {
            guard case .success = result, !isSlowAnswer else {
                if isSlowAnswer { paceCount = 0 }
                return
            }
            paceCount += 1
            if paceCount >= rules.quickAnswers { (isSlow, paceCount) = (false, 0) }
        } else if isSlowAnswer {
            paceCount += 1
            if result == .failure(code: "timed_out") || paceCount >= rules.slowAnswers { becomeSlow() }
        } else {
            paceCount = 0
        }
    }

    /// An attempt has been waiting for so long that its end need not be waited for.
    package mutating func becomeSlow() { (isSlow, paceCount) = (true, 0) }
}

/// The numbers of the breaker.
package struct BreakerRules: Sendable {
    /// Failures in a row that open it.
    package var failuresToOpen = 5
    /// The pause before the first probe; each further opening doubles it.
    package var firstPause: Duration = .seconds(10)
    package var longestPause: Duration = .seconds(600)
    /// A receiver's `Retry-After` stops its endpoint no longer than this.
    package var longestThrottle: Duration = .seconds(3600)
    /// A probe that has not come back is lost: longer than an attempt can take.
    package var probeLost: Duration = .seconds(60)
    /// How many at a time after the probe; doubled each time that so many have succeeded.
    package var rampStart = 2
    /// An answer that takes this long is slow.
    package var slowAfter: Duration = .seconds(1)
    package var slowAnswers = 3
    /// Quick answers in a row that bring a slow endpoint back.
    package var quickAnswers = 20

    package init() {}
}
