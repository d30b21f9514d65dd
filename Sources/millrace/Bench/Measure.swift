internal import JSON

/// One thing that a benchmark measures: what it is called in text and in JSON, and how its numbers are written.
struct Measure: Sendable, Hashable {
    /// The member's name in `--json`, with its unit.
    var key: String
    var label: String
    var unit: String
    /// Digits after the point.
    var digits = 0

    /// The number as people read it: `12,345`, `0.42`; `n/a` for what could not be measured.
    func text(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "n/a" }
        let scale = (0..<digits).reduce(1) { scale, _ in scale * 10 }
        let whole = Int((value.magnitude * Double(scale)).rounded())
        let fraction = digits == 0 ? "" : "." + String(String(whole % scale + scale).dropFirst())
        return (value < 0 && whole > 0 ? "-" : "") + Self.grouped(whole / scale) + fraction
    }

    private static func grouped(_ number: Int) -> String {
        var text = ""
        for (index, digit) in String(number).reversed().enumerated() {
            if index > 0, index % 3 == 0 { text.insert(",", at: text.startIndex) }
            text.insert(digit, at: text.startIndex)
        }
        return text
    }
}

/// What one run measured; nil where it could not be, such as the CPU time of a server on another machine.
struct Sample: Sendable {
    private(set) var values: [(measure: Measure, value: Double?)] = []

    subscript(measure: Measure) -> Double? { values.first { $0.measure == measure }?.value }

    mutating func add(_ measure: Measure, _ value: Double?) { values.append((measure, value)) }

    mutating func add(_ other: Sample) { values += other.values }

    var line: String {
        values.map { "\($0.measure.label) \($0.measure.text($0.value))" + ($0.measure.unit.isEmpty ? "" : " \($0.measure.unit)") }
            .joined(separator: "  ")
    }

    /// Unrounded: this is the raw output.
    var json: JSONValue {
        .object(JSONObject(values.map { ($0.measure.key, $0.value.map { $0.isFinite ? .double($0) : .null } ?? .null) }))
    }
}
