internal import Bytes

/// A point in time: microseconds since 1970-01-01T00:00:00Z, the resolution of PostgreSQL's `timestamptz`.
///
/// Arithmetic stops at the ends of its range (292 thousand years away) instead of trapping: a delay read from a setting or a header must not end a process.
package struct Instant: Hashable, Comparable, Sendable {
    /// Microseconds since 1970, UTC.
    package let microseconds: Int64

    package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// Takes Unix seconds.
    package init(seconds: Int64) {
        microseconds = saturated(seconds.multipliedReportingOverflow(by: 1_000_000), towards: seconds)
    }

    /// Unix seconds, rounded down.
    package var seconds: Int64 { microseconds.flooredQuotient(by: 1_000_000) }

    /// The wall clock's time.
    ///
    /// Take it once per batch or request and pass it down; nothing that decides who is alive may use it.
    package static var now: Instant { Instant(microseconds: wallMicroseconds()) }

    package static func < (left: Instant, right: Instant) -> Bool { left.microseconds < right.microseconds }

    package static func + (instant: Instant, duration: Duration) -> Instant {
        let distance = duration.microseconds
        return Instant(microseconds: saturated(instant.microseconds.addingReportingOverflow(distance), towards: distance))
    }

    package static func - (instant: Instant, duration: Duration) -> Instant {
        let distance = duration.microseconds
        return Instant(microseconds: saturated(instant.microseconds.subtractingReportingOverflow(distance), towards: distance > 0 ? -1 : 1))
    }

    package static func - (left: Instant, right: Instant) -> Duration {
        let result = left.microseconds.subtractingReportingOverflow(right.microseconds)
        return .microseconds(saturated(result, towards: left > right ? 1 : -1))
    }
}

extension Duration {
    /// The whole microseconds of this duration, towards zero; the nearest that fit when it is longer than 292 thousand years.
    package var microseconds: Int64 {
        let (seconds, attoseconds) = components
        let whole = seconds.multipliedReportingOverflow(by: 1_000_000)
        guard !whole.overflow else { return saturated(whole, towards: seconds) }
        return saturated(whole.partialValue.addingReportingOverflow(attoseconds / 1_000_000_000_000), towards: seconds)
    }
}

extension BinaryInteger {
    /// The quotient rounded down, also for negative numbers, as calendars need it.
    func flooredQuotient(by divisor: Self) -> Self {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// The remainder that belongs to the quotient rounded down: never negative.
    func flooredRemainder(by divisor: Self) -> Self {
        let remainder = self % divisor
        return remainder < 0 ? remainder + divisor : remainder
    }
}

private func saturated(_ result: (partialValue: Int64, overflow: Bool), towards direction: Int64) -> Int64 {
    guard result.overflow else { return result.partialValue }
    return direction < 0 ? .min : .max
}
