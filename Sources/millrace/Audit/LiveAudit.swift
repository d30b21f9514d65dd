internal import Bytes
internal import Engine
internal import JSON
internal import Lanes
internal import Postgres

/// Asks invariants of a database on which others work.
struct LiveAudit {
    var invariants = [Invariant]()
    /// After which a breach that is repaired in time must be gone.
    var patience: Duration = .seconds(15)

    struct Result {
        var invariant: Invariant
        var finding: Invariant.Finding
        var milliseconds: Int
    }

    struct Report {
        var results: [Result] = []

        var broken: [Result] { results.filter { $0.finding.count > 0 } }
        var breaches: Int { broken.reduce(0) { $0 + $1.finding.count } }
        var isClean: Bool { broken.isEmpty }
    }

    func run(on connection: Connection) throws -> Report {
        var report = Report()
        for invariant in invariants {
            let began = monotonicNanoseconds()
            var finding = try invariant.look(on: connection)
            let took = monotonicNanoseconds() - began
            if finding.count > 0, invariant.isRepairedInTime {
                // Outside of any transaction: nothing is held while we wait.
                pause(patience)
                finding = finding.stillIn(try invariant.look(on: connection))
            }
            report.results.append(Result(invariant: invariant, finding: finding, milliseconds: Int(took / 1_000_000)))
        }
        return report
    }
}

extension LiveAudit.Report {
    private static let shown = 10

    func tell(asJSON: Bool) {
        if asJSON { return Output.json(json) }
        Output.table(
            ["INVARIANT", "BREACHES", "MS", "WHAT MUST BE TRUE"],
            results.map { [$0.invariant.name, "\($0.finding.count)", "\($0.milliseconds)", $0.invariant.sentence] })
        for result in broken {
            Output.line()
            Output.line("\(result.invariant.name) is broken \(result.finding.count) times:")
            for breach in result.finding.breaches.prefix(Self.shown) { Output.line("  \(breach)") }
            if result.finding.count > Self.shown { Output.line("  …") }
        }
    }

    private var json: JSONValue {
        [
            "clean": .bool(isClean),
            "invariants": .array(
                results.map { result in
                    [
                        "name": .string(result.invariant.name), "sentence": .string(result.invariant.sentence),
                        "cost": .string(result.invariant.cost.rawValue), "breaches": .int(Int64(result.finding.count)),
                        "first": .array(result.finding.breaches.prefix(Self.shown).map(JSONValue.string)),
                        "milliseconds": .int(Int64(result.milliseconds)),
                    ]
                }),
        ]
    }
}
