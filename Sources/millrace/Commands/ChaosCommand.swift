internal import Bytes
internal import Clocks
internal import Engine
internal import Faults
internal import Postgres
internal import Settings

/// Harms an installation of its own under load, by a plan that a seed repeats, and checks that nothing was lost, doubled or charged twice.
///
/// `bin/chaos` starts private servers for it. Elsewhere it needs servers of which nobody else has need: it makes and drops databases, and kills what
/// `--servers` can kill.
enum ChaosCommand: Command {
    static let name = "chaos"
    static let summary = "harm an installation of its own under load, by a seeded plan, and check that nothing is lost or doubled"
    static let usage = """
        [--seed S] [--runs N] [--seconds T] [--faults A,B…]
                | --stops N      end a worker under full load, N times
                | --rescues N    kill a worker with a job in hand, N times; --frozen M: freeze one, M times; --live M: freeze one for a minute that is not dead
                --servers COMMAND kills and starts PostgreSQL and RabbitMQ; --folder FOLDER keeps the logs of failures; --keep keeps every log
        """
    static let flags = ["--keep"]
    static let options = ["--seed", "--runs", "--seconds", "--faults", "--stops", "--rescues", "--frozen", "--live", "--servers", "--folder"]

    static func run(_ arguments: Arguments) throws {
        let platform = try Platform(arguments, roles: [.api, .relay, .worker, .scheduler])
        let folder = arguments.value("--folder") ?? "chaos"
        try ChaosFolder.make(folder)
        try ChaosFolder.writeDefinitions(into: folder + "/definitions")
        let site = try ChaosSite(platform, folder: folder)
        defer { site.close() }
        let stops = try arguments.number("--stops", default: 0)
        let rescues = try arguments.number("--rescues", default: 0)
        let frozen = try arguments.number("--frozen", default: 0)
        if stops > 0 { return try StopTrial(site: site).run(stops) }
        let live = try arguments.number("--live", default: 0)
        if rescues + frozen + live > 0 { return try RescueTrial(site: site).run(rescues: rescues, frozen: frozen, live: live) }
        try harm(arguments, site)
    }

    private static func harm(_ arguments: Arguments, _ site: ChaosSite) throws {
        let servers = arguments.value("--servers").map { ChaosServers(command: $0) }
        let faults = try chosen(arguments, servers)
        let first = try arguments.value("--seed").map { text in
            guard let seed = UInt64(text) else { throw CommandFailure.usage("--seed takes a whole number, not \"\(text)\"") }
            return seed
        }
        let seed = first ?? .random(in: 1...999_999)
        let (runs, seconds) = (try arguments.number("--runs", default: 1), try arguments.number("--seconds", default: 8))
        var tally = ChaosTally()
        for number in 0..<max(runs, 1) {
            let plan = FaultPlan(seed: seed &+ UInt64(number), seconds: seconds, faults: faults)
            Output.line("run \(number + 1) of \(runs)  seed \(plan.seed)")
            for fault in plan.faults { Output.line("  \(fault)") }
            let began = monotonicNanoseconds()
            let report = try site.with { rig in
                let report = try ChaosRun(plan: plan, rig: rig, servers: servers).run()
                return (report, report.passed && !arguments.has("--keep"))
            } failing: { error in
                ChaosRun.Report(faults: ["the run broke off: \(CommandFailure(error).message)"])
            }
            tally.add(report, seed: plan.seed, seconds: Double(monotonicNanoseconds() - began) / 1e9)
            if !report.passed {
                let list = faults.map(\.rawValue).joined(separator: ",")
                Output.line("  repeat: bin/chaos --seed \(plan.seed) --runs 1 --seconds \(seconds) --faults \(list)")
                Output.line("  logs: \(site.folder)/\(site.lastName)")
            }
        }
        tally.tell()
        if !tally.failed.isEmpty { throw CommandFailure(.failure, "\(tally.failed.count) of \(runs) runs failed: seeds \(tally.failed)") }
    }

    private static func chosen(_ arguments: Arguments, _ servers: ChaosServers?) throws -> [Fault] {
        guard let text = arguments.value("--faults") else {
            return Fault.allCases.filter { (servers != nil || !$0.needsServers) && (ChaosRig.fakeTime != nil || $0 != .clock) }
        }
        return try text.split(separator: ",").map { word in
            guard let fault = Fault(rawValue: String(word)) else {
                throw CommandFailure.usage("there is no fault \"\(word)\"" + Suggestion.hint(String(word), Fault.allCases.map(\.rawValue)))
            }
            if fault.needsServers, servers == nil { throw CommandFailure.usage("\(word) needs --servers; bin/chaos brings it") }
            if fault == .clock, ChaosRig.fakeTime == nil { throw CommandFailure.usage("clocks jump with Debian's package libfaketime alone") }
            return fault
        }
    }
}
