internal import Business
internal import Clocks
internal import Engine
internal import Postgres

/// Checks the invariants on a live database.
///
/// It only reads: each invariant in a read-only transaction of its own, one after the other, so that no snapshot outlives one statement. Those that read
/// the history scan it (entries, holds, finished jobs, deliveries, the audit log); while one does, vacuum keeps what it may see. `--live` leaves them out.
enum AuditCommand: Command {
    static let name = "audit"
    static let summary = "check on the live database, read-only, that nothing is lost, doubled or out of balance; exit code 1 when something is"
    static let usage = """
        [--live] [--check NAME …] [--wait 15s] [--json]
                --live leaves out what reads the whole history; --wait is how long a dead worker's leases may stay, before they count
        """
    static let flags = ["--live"]
    static let options = ["--check", "--wait", "--timeout"]

    static func run(_ arguments: Arguments) throws {
        let platform = try Platform(arguments)
        let names = arguments.all("--check")
        let known = EngineInvariants.all + BusinessInvariants.all
        for name in names where !known.contains(where: { $0.name == name }) {
            throw CommandFailure.usage("there is no check \"\(name)\"" + Suggestion.hint(name, known.map(\.name)))
        }
        let chosen = known.filter { invariant in
            (names.isEmpty || names.contains(invariant.name)) && (!arguments.has("--live") || invariant.cost == .live)
        }
        var settings = try platform.connection("audit")
        settings.statementTimeout = try duration(arguments, "--timeout", default: .seconds(600))
        let audit = LiveAudit(invariants: chosen, patience: try duration(arguments, "--wait", default: .seconds(15)))
        let report = try audit.run(on: Connection(settings))
        report.tell(asJSON: arguments.wantsJSON)
        guard report.isClean else {
            throw CommandFailure(.failure, "\(report.breaches) breaches of \(report.broken.count) invariants; nothing was changed")
        }
    }

    private static func duration(_ arguments: Arguments, _ option: String, default standard: Duration) throws(CommandFailure) -> Duration {
        guard let text = arguments.value(option) else { return standard }
        guard let duration = DurationText.parse(text) else { throw .usage("\(option) takes a duration such as 15s, not \"\(text)\"") }
        return duration
    }
}
