internal import Business
internal import Engine
internal import JSON
internal import Postgres
internal import RabbitMQ
internal import Settings

enum QueuesCommand: Command {
    static let name = "queues"
    static let summary = "list queues, compare them with the broker, declare them, pause or resume one"
    static let usage = "list | diff | apply | pause QUEUE | resume QUEUE"

    static func run(_ arguments: Arguments) throws {
        let platform = try Platform(arguments)
        let ledger = platform.ledger(bell: nil)
        switch try arguments.word(0, "what to do: list, diff, apply, pause or resume") {
        case "list": try list(arguments, ledger, Connection(platform.connection("cli")))
        case "diff": try diff(arguments, platform)
        case "apply":
            let made = try Topology(catalog: platform.catalog, prefix: platform.settings.broker.prefix)
                .declare(on: BrokerConnection(platform.requiredBroker()))
            Output.line(made.isEmpty ? "The broker has all queues." : "Made \(made.joined(separator: ", ")).")
        case "pause": try setPaused(true, arguments, platform, ledger)
        case "resume": try setPaused(false, arguments, platform, ledger)
        case let other: throw CommandFailure.usage("queues has list, diff, apply, pause and resume, not \"\(other)\"")
        }
    }

    private static func list(_ arguments: Arguments, _ ledger: Ledger, _ connection: Connection) throws {
        let queues = try ledger.overview(on: connection)
        if arguments.wantsJSON { return Output.json(.array(queues.map(\.json))) }
        Output.table(
            ["QUEUE", "STATE", "READY", "SENT", "SCHEDULED", "PARKED", "RUNNING", "DEAD", "OLDEST"],
            queues.map {
                [
                    $0.queue, $0.paused ? "paused" : "open", "\($0.ready)", "\($0.sent)", "\($0.scheduled)", "\($0.parked)",
                    "\($0.running)", "\($0.dead)", $0.oldestRunnableSeconds.map { "\(Int($0)) s" } ?? "",
                ]
            })
    }

    /// What the broker lacks or has too much of; exit code 1 when there is a difference.
    private static func diff(_ arguments: Arguments, _ platform: Platform) throws {
        let connection = try BrokerConnection(platform.requiredBroker())
        let topology = Topology(catalog: platform.catalog, prefix: platform.settings.broker.prefix)
        var missing: [String] = []
        for queue in platform.catalog.queues.keys.sorted() + [Topology.deadLetters] where try connection.declarePassively(topology.name(queue)) == nil
        {
            missing.append(queue)
        }
        guard !missing.isEmpty else { return Output.line("The broker has all queues.") }
        throw CommandFailure(.failure, "missing at the broker: \(missing.joined(separator: ", ")); millrace queues apply makes them")
    }

    private static func setPaused(_ paused: Bool, _ arguments: Arguments, _ platform: Platform, _ ledger: Ledger) throws {
        let queue = try arguments.word(1, "the queue")
        guard platform.catalog.queues[queue] != nil else {
            throw CommandFailure.usage("there is no queue \"\(queue)\"" + Suggestion.hint(queue, platform.catalog.queues.keys.sorted()))
        }
        let connection = try Connection(platform.connection("cli"))
        try connection.transaction { try ledger.setPaused(paused, queue: queue, actor: nil, on: $0) }
        try connection.notify(RelayBell.channel)
        Output.line("\(queue) is \(paused ? "paused" : "open").")
    }
}
