// When clocks change, two wishes differ, and the hour field tells which one is meant (Vixie cron's rule):
//
// - Appointments, where the hour field names hours (`30 2 * * *`): every slot of the local calendar runs exactly once. A slot that the clocks skip runs at the
//   first instant after the gap; several skipped slots run there once together. A slot that comes twice runs the first time only.
// - A rhythm, where the hour field begins with a star (`*/15 * * * *`): it follows real time. Skipped local times do not exist, so nothing runs for them, and the
//   repeated hour runs again; the pause between two runs stays the same.
//
// Appointments use that `TimeZoneRules.instant(of:)` never goes back when the local time goes on. A rhythm is searched in one stretch of constant offset after
// the other.
extension CronExpression {
    /// The first time after this instant when the schedule runs; nil when there is none in the 400 years of the calendar's cycle, or before the year 10000.
    package func next(after instant: Instant, in zone: TimeZoneRules) -> Instant? {
        guard instant < CronExpression.end else { return nil }
        return isEveryHour ? nextOfRhythm(after: instant, in: zone) : nextAppointment(after: instant, in: zone)
    }

    /// The year 10000: the loops below need not care for the ends of `Instant`'s range.
    private static let end = Instant(seconds: 253_402_300_800)

    private func nextAppointment(after instant: Instant, in zone: TimeZoneRules) -> Instant? {
        var local = zone.localTime(at: instant)
        while let slot = firstSlot(from: local) {
            let candidate = zone.instant(of: slot)
            if candidate > instant { return candidate }
            // The instant's own minute, or a slot of the repeated hour whose first coming has passed.
            local = LocalTime(seconds: slot.seconds + 60)
        }
        return nil
    }

    private func nextOfRhythm(after instant: Instant, in zone: TimeZoneRules) -> Instant? {
        var start = instant.seconds + 1
        let limit = start + 400 * 366 * 86_400
        while start < limit {
            let offset = Int64(zone.offset(at: start))
            let end = zone.nextChange(after: start)
            guard let slot = firstSlot(from: LocalTime(seconds: start + offset)) else { return nil }
            let candidate = slot.seconds - offset
            guard let end, candidate >= end else { return Instant(seconds: candidate) }
            start = end
        }
        return nil
    }

    /// The first matching minute of the local calendar that does not begin before this time.
    private func firstSlot(from local: LocalTime) -> LocalTime? {
        let minutes = (local.seconds + 59).flooredQuotient(by: 60)
        var date = CalendarDate(daysSince1970: Int(minutes.flooredQuotient(by: 1440)))
        var earliest = Int(minutes.flooredRemainder(by: 1440))
        let limit = date.year + 400
        while date.year <= limit {
            if self.months >> UInt64(date.month) & 1 == 0 {
                date = date.adding(days: 1 - date.day).adding(months: 1)
            } else if matches(date), let minute = firstMinute(from: earliest) {
                return LocalTime(seconds: Int64(date.daysSince1970) * 86_400 + Int64(minute) * 60)
            } else {
                date = date.adding(days: 1)
            }
            earliest = 0
        }
        return nil
    }

    /// The first matching minute of a day, 0–1439, from this one on.
    private func firstMinute(from earliest: Int) -> Int? {
        for hour in (earliest / 60)..<24 where hours >> UInt64(hour) & 1 == 1 {
            let from = hour == earliest / 60 ? earliest % 60 : 0
            let left = minutes >> UInt64(from)
            if left != 0 { return hour * 60 + from + left.trailingZeroBitCount }
        }
        return nil
    }
}
