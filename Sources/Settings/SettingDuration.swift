/// Durations as people write them: `250ms`, `15s`, `5m`, `2h`, `30d`, and sums such as `1h30m`.
package enum SettingDuration {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// The duration, or nil when the text is none; a number without a unit is none.
    package static func parse(_ text: String) -> Duration? {
        var rest = text[...]
        var milliseconds: Int64 = 0
        repeat {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(name.count)
            guard let count = Int64(digits), count <= 1_000_000_000, let unit = units.first(where: { $0.name == name }) else { return nil }
            milliseconds += count * unit.milliseconds
        } while !rest.isEmpty
        return .milliseconds(milliseconds)
    }

    /// The duration in the largest unit that gives a whole number: `90s`, `2h`.
    package static func text(_ duration: Duration) -> String {
        let milliseconds = duration.components.seconds * 1_000 + duration.components.attoseconds / 1_000_000_000_000_000
        guard milliseconds != 0 else { return "0s" }
        for unit in units.reversed() where milliseconds.isMultiple(of: unit.milliseconds) { return "\(milliseconds / unit.milliseconds)\(unit.name)" }
        return "\(milliseconds)ms"
    }
}
