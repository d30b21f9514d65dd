internal import CLinux

/// Microseconds since 1970 by the wall clock.
package func wallMicroseconds() -> Int64 { clinux_wall_microseconds() }

/// Nanoseconds by the monotonic clock; what decides about timeouts and who is alive.
package func monotonicNanoseconds() -> Int64 { clinux_monotonic_nanoseconds() }
