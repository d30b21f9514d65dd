internal import Glibc

extension Duration {
    /// Whole nanoseconds, at most 292 years of them.
    var nanoseconds: Int64 {
        let (seconds, overflow) = components.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : seconds.addingReportingOverflow(components.attoseconds / 1_000_000_000).partialValue
    }

    /// For librabbitmq; a negative duration is none at all.
    var timeval: timeval {
        let microseconds = max(0, nanoseconds / 1000)
        return Glibc.timeval(tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
    }
}
