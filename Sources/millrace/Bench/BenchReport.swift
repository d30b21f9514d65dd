internal import JSON

/// What a benchmark says: what ran and where, each run as it ends, and min, median and max of each series.
///
/// With `--json` standard output gets one document with every unrounded figure, and the lines go to standard error, so that a long run still shows
/// that it moves.
final class BenchReport {
    private let wantsJSON: Bool
    private var document: JSONObject
    private var series: [(name: String, samples: [Sample])] = []

    init(_ name: String, options: JSONObject, json: Bool) {
        wantsJSON = json
        document = ["bench": .string(name), "version": .string(Millrace.version), "options": .object(options)]
        let words = options.members.map { "--\($0.key) \($0.value.string ?? $0.value.text)" }
        line("millrace bench \(([name] + words).joined(separator: " "))")
    }

    /// A fact for both readers.
    func fact(_ key: String, _ text: String, _ value: JSONValue) {
        document[key] = value
        line("\(key)\(String(repeating: " ", count: max(1, 11 - key.count)))\(text)")
    }

    func warn(_ text: String) {
        document["warnings"] = .array((document["warnings"]?.array ?? []) + [.string(text)])
        line("WARNING    \(text)")
    }

    /// What goes on; not in the document.
    func line(_ text: String = "") {
        if wantsJSON { Output.complaint(text) } else { Output.line(text) }
    }

    /// One run of a series, with the time it took on the clock of the reader.
    func record(_ name: String, _ sample: Sample) {
        let index = series.firstIndex { $0.name == name } ?? series.count
        if index == series.count { series.append((name, [])) }
        series[index].samples.append(sample)
        line("\(name), run \(series[index].samples.count)  \(sample.line)")
    }

    /// One figure of each run, in their order, or of this share of the runs at the end.
    private func values(_ name: String, _ measure: Measure, last share: Double = 1) -> [Double] {
        let samples = series.first { $0.name == name }?.samples ?? []
        return samples.suffix(Int((Double(samples.count) * share).rounded(.up))).compactMap { $0[measure] }
    }

    func spread(_ name: String, _ measure: Measure) -> Spread? { Spread(values(name, measure)) }

    /// One series against another whose runs lay beside its own: by their medians, and run by run.
    func pairs(_ key: String, _ text: String, of name: String, to base: String, _ measure: Measure, last share: Double = 1) {
        let (ones, others) = (values(name, measure, last: share), values(base, measure, last: share))
        guard let one = Spread(ones)?.median, let other = Spread(others)?.median, other > 0 else { return }
        func shown(_ ratio: Double, digits: Int) -> String { Measure(key: "", label: "", unit: "", digits: digits).text(ratio) }
        let byPair = zip(ones, others).map { shown($1 > 0 ? $0 / $1 : .infinity, digits: 2) }.joined(separator: ", ")
        fact(key, "\(shown(one / other, digits: 3))  (\(text), medians; by pair \(byPair))", .double(one / other))
    }

    /// The table and the document.
    func end() {
        for (name, samples) in series {
            line()
            let measures = samples.first?.values.map(\.measure) ?? []
            var rows: [[String]] = []
            for measure in measures {
                let spread = spread(name, measure)
                rows.append(
                    ["\(measure.label)\(measure.unit.isEmpty ? "" : ", \(measure.unit)")"]
                        + [spread?.minimum, spread?.median, spread?.maximum].map { measure.text($0) })
            }
            for row in Output.columns(["\(name), \(samples.count) \(samples.count == 1 ? "run" : "runs")", "min", "median", "max"], rows) {
                line(row)
            }
        }
        guard wantsJSON else { return }
        document["series"] = .object(JSONObject(series.map { ($0.name, json($0.name, $0.samples)) }))
        Output.json(.object(document))
    }

    private func json(_ name: String, _ samples: [Sample]) -> JSONValue {
        let measures = samples.first?.values.map(\.measure) ?? []
        let summary: [(String, JSONValue)] = measures.compactMap { measure in
            spread(name, measure).map {
                (
                    measure.key,
                    ["min": .double($0.minimum), "median": .double($0.median), "max": .double($0.maximum), "unit": .string(measure.unit)]
                )
            }
        }
        return ["runs": .array(samples.map(\.json)), "summary": .object(JSONObject(summary))]
    }
}
