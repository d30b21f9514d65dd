import Business
import Clocks
import Faults
import Testing

/// The breaker's rules, without a database.
struct EndpointHealthTests {
    private static let start = Instant(microseconds: 1_700_000_000_000_000)

    /// An endpoint with a clock that a test moves.
    private struct Play {
        var health = EndpointHealth(since: EndpointHealthTests.start)
        var now = EndpointHealthTests.start
        var rules = BreakerRules()
        var full = 16

        mutating func see(
            _ result: EndpointHealth.Result, took duration: Duration = .milliseconds(5), isProbe: Bool = false, startedAt: Instant? = nil
        ) {
            now = now + .milliseconds(10)
            health.observe(result, took: duration, isProbe: isProbe, startedAt: startedAt ?? now, now: now, full: full, rules: rules)
        }

        mutating func fail(_ times: Int) { for _ in 0..<times { see(.failure(code: "http_500")) } }

        /// What the row does when a probe is let through.
        mutating func probe() {
            (health.phase, health.since, health.until) = (.probing, now, now + rules.probeLost)
        }

        mutating func pass(_ duration: Duration) { now = now + duration }
    }

    @Test func `failures in a row open it, a success in between forgives them`() {
        var play = Play()
        play.fail(4)
        play.see(.success)
        play.fail(4)
        #expect(play.health.phase == .closed && play.health.failures == 4)
        play.fail(1)
        #expect(play.health.phase == .open && play.health.reason == "http_500")
        #expect(play.health.admission(at: play.now) == .wait(until: play.now + play.rules.firstPause))
        play.pass(play.rules.firstPause)
        #expect(play.health.admission(at: play.now) == .probe)
    }

    @Test func `a failed probe doubles the pause, up to the longest`() {
        var play = Play()
        play.fail(5)
        var pauses: [Duration] = []
        for _ in 0..<9 {
            guard let until = play.health.until else { break }
            pauses.append(until - play.now)
            play.pass(until - play.now)
            play.probe()
            play.see(.failure(code: "timed_out"), isProbe: true)
            #expect(play.health.phase == .open)
        }
        #expect(pauses == [10, 20, 40, 80, 160, 320, 600, 600, 600].map { .seconds($0) })
    }

    @Test func `only the probe decides while it is probed`() {
        var play = Play()
        let before = play.now
        play.fail(5)
        play.probe()
        play.see(.success, startedAt: before)
        play.see(.failure(code: "http_500"), startedAt: before)
        #expect(play.health.phase == .probing)
        play.see(.success, isProbe: true)
        #expect(play.health.phase == .ramping && play.health.allowed == 2)
    }

    @Test func `it ramps up step by step and then closes`() {
        var play = Play()
        play.fail(5)
        let lateFrom = play.now
        play.probe()
        play.see(.success, isProbe: true)
        play.see(.failure(code: "http_500"), startedAt: lateFrom)
        #expect(play.health.phase == .ramping)
        var steps: [Int] = []
        while play.health.phase == .ramping, steps.count < 100 {
            steps.append(play.health.allowed)
            play.see(.success)
        }
        #expect(steps == [2, 2] + Array(repeating: 4, count: 4) + Array(repeating: 8, count: 8))
        #expect(play.health.phase == .closed && play.health.isPlain)
    }

    @Test func `a failure while ramping opens it for longer than before`() {
        var play = Play()
        play.fail(5)
        play.probe()
        play.see(.success, isProbe: true)
        play.see(.failure(code: "http_503"))
        #expect(play.health.phase == .open && play.health.until == play.now + .seconds(20))
    }

    @Test func `a receiver that asks for a pause gets it, and it is no failure`() {
        var play = Play()
        play.see(.throttled(.seconds(30), code: "http_429"))
        #expect(play.health.phase == .open && play.health.until == play.now + .seconds(30) && play.health.openings == 0)
        let until = play.health.until
        play.see(.throttled(.seconds(2), code: "http_429"))
        #expect(play.health.until == until, "a shorter wish does not shorten a longer one")
        play.see(.throttled(.seconds(90_000), code: "http_429"))
        #expect(play.health.until == play.now + play.rules.longestThrottle)
    }

    @Test func `an outage lasts from the failures that open it until it closes; a pause that was asked for is none`() {
        var play = Play()
        play.see(.throttled(.seconds(30), code: "http_429"))
        #expect(!play.health.isOut)
        play.probe()
        play.see(.failure(code: "http_500"), isProbe: true)
        #expect(play.health.isOut && play.health.phase == .open)
        play.probe()
        play.see(.throttled(.seconds(30), code: "http_429"), isProbe: true)
        #expect(play.health.isOut)
        play.probe()
        play.see(.success, isProbe: true)
        #expect(play.health.isOut && play.health.phase == .ramping)
        for _ in 0..<14 { play.see(.success) }
        #expect(!play.health.isOut && play.health.phase == .closed)
    }

    @Test func `a timeout makes it slow, quick answers in a row bring it back`() {
        var play = Play()
        for _ in 0..<2 { play.see(.success, took: .seconds(2)) }
        play.see(.success)
        for _ in 0..<2 { play.see(.success, took: .seconds(2)) }
        #expect(!play.health.isSlow)
        play.see(.success, took: .seconds(2))
        #expect(play.health.isSlow)
        for _ in 0..<19 { play.see(.success) }
        play.see(.success, took: .seconds(2))
        for _ in 0..<19 { play.see(.success) }
        #expect(play.health.isSlow)
        play.see(.success)
        #expect(!play.health.isSlow && play.health.isPlain)
        play.see(.failure(code: "timed_out"), took: .seconds(15))
        #expect(play.health.isSlow)
    }

    @Test func `whatever happens, it is never called in a pause and never stuck`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var dice = SeededGenerator(seed: seed)
        var play = Play()
        for step in 0..<20_000 {
            switch Int.random(in: 0..<8, using: &dice) {
            case 0...2: play.see(.success, took: .milliseconds(Int64.random(in: 1...3000, using: &dice)))
            case 3...5: play.see(.failure(code: "timed_out"), startedAt: play.now - .seconds(Int64.random(in: 0...2, using: &dice)))
            case 6: play.see(.throttled(.seconds(Int64.random(in: 0...100, using: &dice)), code: "http_429"))
            default: play.pass(.seconds(Int64.random(in: 0...700, using: &dice)))
            }
            if play.health.admission(at: play.now) == .probe {
                play.probe()
                if Bool.random(using: &dice) { play.see(Bool.random(using: &dice) ? .success : .failure(code: "http_500"), isProbe: true) }
            }
            let (health, now) = (play.health, play.now)
            let says = "seed \(seed) step \(step): \(health)"
            #expect((health.phase == .open || health.phase == .probing) == (health.until != nil), "\(says)")
            #expect(health.phase != .ramping || (health.allowed >= 2 && health.allowed < play.full), "\(says)")
            if let until = health.until {
                #expect(until <= now + max(play.rules.longestThrottle, play.rules.longestPause), "\(says)")
                #expect(now >= until || health.admission(at: now) == .wait(until: until), "\(says)")
                #expect(health.admission(at: until) == .probe, "\(says)")
            }
        }
    }
}
