/// A time zone: what its clocks show at any instant.
///
/// From the system's own data, `/usr/share/zoneinfo`, because governments change rules faster than we release; the far future follows the rule in the file's
/// last line. UTC needs no data. The whole zone is in memory: asking it never blocks, `named` reads a file the first time.
package struct TimeZoneRules: Hashable, Sendable {
    /// The name in the tz database, `Europe/Berlin`.
    package let name: String
    private let file: TimeZoneFile?

    /// Coordinated Universal Time, which is never missing.
    package static let utc = TimeZoneRules(name: "UTC", file: nil)

    init(name: String, file: TimeZoneFile?) {
        self.name = name
        self.file = file
    }

    /// Seconds east of UTC.
    package func offset(at instant: Instant) -> Int { offset(at: instant.seconds) }

    /// What the clocks show.
    package func localTime(at instant: Instant) -> LocalTime { localTime(at: instant.seconds) }

    /// When the clocks show this.
    ///
    /// A time that comes twice is its first coming. A time that is skipped is the first instant after the gap. So a later local time is never an earlier
    /// instant, which is what a schedule needs.
    package func instant(of local: LocalTime) -> Instant {
        // No zone is further than 26 hours from UTC, so the search begins before any instant that can be meant.
        var start = local.seconds - 2 * 86_400
        while true {
            let candidate = local.seconds - Int64(offset(at: start))
            guard let end = nextChange(after: start), candidate >= end else { return Instant(seconds: max(candidate, start)) }
            start = end
        }
    }

    /// When the offset changes next, or may change; nil when it never does.
    package func nextChange(after instant: Instant) -> Instant? { nextChange(after: instant.seconds).map(Instant.init(seconds:)) }

    func localTime(at seconds: Int64) -> LocalTime { LocalTime(seconds: seconds + Int64(offset(at: seconds))) }

    func offset(at seconds: Int64) -> Int {
        guard let file else { return 0 }
        let next = firstChange(in: file.changes, after: seconds)
        if next == file.changes.count, let rule = file.rule { return rule.offset(at: seconds) }
        return next == 0 ? file.firstOffset : file.offsets[next - 1]
    }

    func nextChange(after seconds: Int64) -> Int64? {
        guard let file else { return nil }
        let next = firstChange(in: file.changes, after: seconds)
        return next < file.changes.count ? file.changes[next] : file.rule?.nextChange(after: seconds)
    }

    /// The index of the first change later than this, or the count.
    private func firstChange(in changes: [Int64], after seconds: Int64) -> Int {
        var low = 0
        var high = changes.count
        while low < high {
            let middle = (low + high) / 2
            if changes[middle] > seconds { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
