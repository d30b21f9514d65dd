extension MetricRegistry {
    /// All metrics in the text format 0.0.4 of Prometheus, sorted by name.
    package func prometheusText() -> String {
        var text = ""
        for family in snapshot() {
            text += "# HELP \(family.name) \(PrometheusText.escaped(family.help, quotes: false))\n"
            text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
            for (labels, instrument) in family.series { PrometheusText.append(family.name, labels, instrument, to: &text) }
        }
        return text
    }

    /// The content type of that text.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"
}

enum PrometheusText {
    static func append(_ name: String, _ labels: String, _ instrument: MetricRegistry.Instrument, to text: inout String) {
        let braces = labels.isEmpty ? "" : "{" + labels + "}"
        switch instrument {
        case .counter(let counter): text += "\(name)\(braces) \(counter.value)\n"
        case .gauge(let gauge): text += "\(name)\(braces) \(number(gauge.value))\n"
        case .sampled(let read): text += "\(name)\(braces) \(number(read()))\n"
        case .histogram(let histogram):
            let before = labels.isEmpty ? "" : labels + ","
            let cumulative = histogram.cumulative
            for (bound, count) in zip(histogram.bounds + [.infinity], cumulative) {
                text += "\(name)_bucket{\(before)le=\"\(number(bound))\"} \(count)\n"
            }
            text += "\(name)_sum\(braces) \(number(histogram.sum))\n"
            // From the same reading as the buckets: Prometheus wants the count to equal the last of them.
            text += "\(name)_count\(braces) \(cumulative.last ?? 0)\n"
        }
    }

    /// `kind="plan.purchase",outcome="done"`.
    static func labels(_ pairs: [(String, String)]) -> String {
        pairs.map { name, value in
            precondition(isName(name) && !name.contains(":") && !name.hasPrefix("__") && name != "le", "\(name) is a label that Prometheus accepts")
            return name + "=\"" + escaped(value, quotes: true) + "\""
        }.joined(separator: ",")
    }

    static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let int = Int64(exactly: value), int.magnitude < 1 << 53 { return String(int) }
        return value.description
    }

    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !isDigit(first) else { return false }
        return text.utf8.allSatisfy { byte in
            isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ":")
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
