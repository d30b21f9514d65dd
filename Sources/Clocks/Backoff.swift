internal import Glibc

/// How long to wait before the next attempt.
///
/// Attempts count from 1, and the delay is asked for after an attempt has failed: `delay(afterAttempt: 1)` lies between the first attempt and the second.
///
/// Exponential delays have *full jitter*: drawn evenly between nothing and the ceiling, so that a thousand jobs that failed together do not come back together
/// ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015). Listed delays, where somebody was promised when to expect us, vary by a fraction.
/// No input makes it trap: powers stop at the cap.
package struct Backoff: Hashable, Sendable {
    private enum Shape: Hashable {
        case exponential(base: Int64, factor: Double, cap: Int64)
        case listed([Int64], jitter: Double)
    }

    private let shape: Shape

    /// The ceiling is `base`, then `base × factor`, then `base × factor²`, and never more than `cap`; the delay is drawn between zero and the ceiling.
    ///
    /// - Throws: `invalid` unless 0 < base ≤ cap and factor is a finite number of at least 1.
    package static func exponential(base: Duration, factor: Double = 2, cap: Duration) throws(ClocksError) -> Backoff {
        guard base > .zero, base <= cap else { throw ClocksError(.invalid, "a backoff's base is more than nothing and at most its cap") }
        guard factor >= 1, factor.isFinite else { throw ClocksError(.invalid, "a backoff's factor is at least 1") }
        return Backoff(shape: .exponential(base: base.microseconds, factor: factor, cap: cap.microseconds))
    }

    /// The delays one after the other, the last one again and again; each longer or shorter by up to `jitter`, a fraction.
    ///
    /// - Throws: `invalid` for no delay, a negative delay, or a fraction outside of 0–1.
    package static func delays(_ delays: [Duration], jitter: Double = 0) throws(ClocksError) -> Backoff {
        guard !delays.isEmpty, delays.allSatisfy({ $0 >= .zero }) else {
            throw ClocksError(.invalid, "a list of delays has one at least and none is negative")
        }
        guard (0...1).contains(jitter) else { throw ClocksError(.invalid, "a jitter is a fraction between 0 and 1") }
        return Backoff(shape: .listed(delays.map(\.microseconds), jitter: jitter))
    }

    /// Draws the delay before the next attempt.
    ///
    /// - Parameter attempt: the attempt that failed, counted from 1; smaller numbers count as 1.
    package func delay(afterAttempt attempt: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        .microseconds(Int64.random(in: bounds(afterAttempt: attempt), using: &generator))
    }

    /// The shortest and the longest delay that may be drawn.
    package func range(afterAttempt attempt: Int) -> ClosedRange<Duration> {
        let bounds = bounds(afterAttempt: attempt)
        return .microseconds(bounds.lowerBound) ... .microseconds(bounds.upperBound)
    }

    private func bounds(afterAttempt attempt: Int) -> ClosedRange<Int64> {
        let index = max(1, attempt) - 1
        switch shape {
        case .exponential(let base, let factor, let cap):
            // An overflow of the power is infinity, which is above every cap.
            let ceiling = Double(base) * pow(factor, Double(index))
            return 0...(ceiling < Double(cap) ? min(cap, microseconds(ceiling)) : cap)
        case .listed(let delays, let jitter):
            let delay = delays[min(index, delays.count - 1)]
            let swing = microseconds(Double(delay) * jitter)
            let (longest, overflow) = delay.addingReportingOverflow(swing)
            return max(0, delay - swing)...(overflow ? .max : longest)
        }
    }

    private func microseconds(_ value: Double) -> Int64 { Int64(exactly: value.rounded()) ?? .max }
}
