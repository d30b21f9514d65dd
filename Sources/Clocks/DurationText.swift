/// Durations as settings and job definitions write them: a whole number and one unit, `500ms`, `30s`, `15m`, `24h`, `7d`.
package enum DurationText {
    /// Reads that form and no other.
    ///
    /// Nil for a sign, a fraction, a blank, a missing or unknown unit, two units, a leading zero (`007s`), and more than 292 thousand years.
    /// A day is 24 hours. `us` is read too, since `text` may have to write it.
    package static func parse(_ text: some StringProtocol) -> Duration? {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let number = Int64(String(decoding: digits, as: UTF8.self)), digits.count == 1 || digits.first != UInt8(ascii: "0"),
            let unit = units.first(where: { $0.name.utf8.elementsEqual(text.utf8.dropFirst(digits.count)) })
        else { return nil }
        let (microseconds, overflow) = number.multipliedReportingOverflow(by: unit.microseconds)
        return overflow ? nil : .microseconds(microseconds)
    }

    /// The shortest text that says the same: in the largest unit of which it is a whole multiple.
    ///
    /// What is below a microsecond is cut off. A negative duration gets a minus sign, which `parse` refuses.
    package static func text(_ duration: Duration) -> String {
        let microseconds = duration.microseconds
        guard microseconds != 0, let unit = units.first(where: { microseconds.isMultiple(of: $0.microseconds) }) else { return "0s" }
        return "\(microseconds / unit.microseconds)\(unit.name)"
    }

    private static let units: [(name: String, microseconds: Int64)] = [
        ("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1000), ("us", 1),
    ]
}
