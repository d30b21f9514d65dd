/// Measures the engine on the configured servers.
///
/// Needs a database of its own: it empties and fills the ledger.
enum BenchCommand: Command {
    static let name = "bench"
    static let summary = "measure the engine, on a database of its own: it empties and fills the ledger"

    static let benchmarks: [any Benchmark.Type] = [
        DrainBench.self, EnqueueBench.self, LatencyBench.self, HotKeyBench.self, OutageBench.self, GrowthBench.self, WebhookBench.self,
        IdleBench.self,
    ]

    static let flags = Array(Set(benchmarks.flatMap { $0.flags })).sorted()
    static let options = Array(Set(benchmarks.flatMap { $0.options } + BenchContext.options)).sorted()

    static var usage: String {
        let list = benchmarks.map { "  \($0.name.padded(to: 8)) \($0.usage)" }.joined(separator: "\n")
        return """
            WHAT [options]

            \(list)

            The benchmarks of the engine also take --accounts 1000 (whose jobs take turns; 0 for none), --keys 100000 (of limited jobs), --lanes 2
            (transactions of atomic jobs at once) and --leased 1000 (leased jobs at once). --json prints every unrounded figure. docs/benchmarks/README.md says what each one shows.
            """
    }

    static func run(_ arguments: Arguments) throws {
        let names = benchmarks.map { $0.name }
        let what = try arguments.word(0, "what to measure: \(names.joined(separator: ", "))")
        guard let benchmark = benchmarks.first(where: { $0.name == what }) else {
            throw CommandFailure.usage("there is no benchmark \"\(what)\"" + Suggestion.hint(what, names))
        }
        let known = benchmark.flags + benchmark.options + BenchContext.options
        for option in flags + options where arguments.isGiven(option) && !known.contains(option) {
            throw CommandFailure.usage("bench \(what) has no option \(option)" + Suggestion.hint(option, known))
        }
        try benchmark.run(arguments)
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
