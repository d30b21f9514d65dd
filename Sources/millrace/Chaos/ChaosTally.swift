internal import Engine

/// What the runs came to.
struct ChaosTally {
    private(set) var failed: [UInt64] = []
    private var recoveries: [Double] = []
    private var runs = 0
    private var orders = 0
    private var repeated = 0
    private var deliveries = 0

    mutating func add(_ report: ChaosRun.Report, seed: UInt64, seconds: Double) {
        runs += 1
        orders += report.orders
        repeated += report.repeated
        deliveries += report.deliveries
        if let recovery = report.recovery { recoveries.append(recovery.inSeconds) }
        let figures = [
            "\(Figures.one(report.baseline)) jobs/s before",
            "full rate \(report.recovery.map { Figures.one($0.inSeconds) + " s" } ?? "never") after the last fault",
            "drained in \(report.drained.map { Figures.one($0.inSeconds) + " s" } ?? "never")",
            "\(report.orders) orders, \(report.refused) refused, \(report.requests) requests (\(report.repeated) repeated), \(report.deliveries) deliveries",
            "\(Figures.one(seconds)) s",
        ]
        Output.line("  " + figures.joined(separator: "; "))
        for fault in report.faults.prefix(20) { Output.line("  FAULT \(fault)") }
        if report.faults.count > 20 { Output.line("  … \(report.faults.count - 20) more") }
        for result in report.audit?.broken ?? [] {
            Output.line("  FAULT \(result.invariant.name): \(result.finding.count) × \(result.finding.breaches.prefix(3))")
        }
        Output.line(report.passed ? "  passed" : "  FAILED")
        if !report.passed { failed.append(seed) }
    }

    func tell() {
        Output.line()
        Output.line(
            "\(runs - failed.count) of \(runs) runs passed; \(orders) orders, \(repeated) requests repeated, \(deliveries) deliveries; "
                + "full rate again after p50 \(Figures.one(Figures.quantile(0.5, recoveries))) s, "
                + "p99 \(Figures.one(Figures.quantile(0.99, recoveries))) s, worst \(Figures.one(recoveries.max() ?? 0)) s")
    }
}

/// Numbers as they are printed.
enum Figures {
    static func one(_ value: Double) -> String {
        let tenths = (value * 10).rounded() / 10
        return "\(tenths)"
    }

    /// The value that this share of all is not above.
    static func quantile(_ share: Double, _ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        return sorted[min(sorted.count - 1, Int((Double(sorted.count) * share).rounded(.up)) - (share > 0 ? 1 : 0))]
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
