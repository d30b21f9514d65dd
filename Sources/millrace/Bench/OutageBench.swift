internal import JSON
internal import RabbitMQ

/// What a steady load sees of a broker that goes away, and how long it takes until nothing is to be seen of it any more.
enum OutageBench: Benchmark {
    static let name = "outage"
    static let usage = """
        a steady load while the broker goes away and comes back: the rate meanwhile, and the time until all is as before
            --faults refused,blackholed,wiped,deleted,purged  --away 60  --rate 2000  --connections 2  --batch 10  --kind bench.noop  --runs 1
            --settle 5 seconds before each fault  --late 500 ms: what has waited longer is backlog  --burst 20000 jobs at once, for deleted and purged
            --limit 180 seconds for the recovery
        """
    static let options = ["--faults", "--away", "--rate", "--connections", "--batch", "--kind", "--runs", "--settle", "--late", "--burst", "--limit"]

    static func run(_ arguments: Arguments) throws {
        let kind = try BenchContext.kind(arguments)
        let faults = try faults(arguments)
        let numbers = [
            ("away", try arguments.number("--away", default: 60, least: 1)), ("rate", try arguments.number("--rate", default: 2000, least: 1)),
            ("connections", try arguments.number("--connections", default: 2, least: 1)),
            ("batch", try arguments.number("--batch", default: 10, least: 1)), ("runs", try arguments.number("--runs", default: 1, least: 1)),
            ("settle", try arguments.number("--settle", default: 5, least: 1)), ("late", try arguments.number("--late", default: 500, least: 1)),
            ("burst", try arguments.number("--burst", default: 20_000)), ("limit", try arguments.number("--limit", default: 180, least: 1)),
        ]
        let value = Dictionary(uniqueKeysWithValues: numbers)
        var options: JSONObject = ["kind": .string(kind), "faults": .string(faults.map(\.rawValue).joined(separator: ","))]
        for (key, number) in numbers { options[key] = .int(Int64(number)) }
        let context = try BenchContext(name, arguments, options: options)
        let broker = try context.platform.requiredBroker()
        guard !broker.usesTLS, broker.host == "localhost" || broker.host.allSatisfy({ $0.isNumber || $0 == "." }) else {
            throw CommandFailure.usage("bench outage stands between Millrace and the broker: it needs amqp:// and an IPv4 address, not \(broker)")
        }
        for _ in 0..<value["runs", default: 1] {
            for fault in faults {
                // Wiped queues are declared again by the relay alone.
                try context.withQueues {
                    let run = OutageRun(
                        context: context, broker: broker, fault: fault, kind: kind, rate: Double(value["rate", default: 1]),
                        connections: value["connections", default: 1], batch: value["batch", default: 1],
                        settle: .seconds(value["settle", default: 1]),
                        away: .seconds(value["away", default: 1]), late: .milliseconds(value["late", default: 1]),
                        burst: fault.lasts ? 0 : value["burst", default: 0], limit: .seconds(value["limit", default: 1]))
                    context.report.record(fault.rawValue, try run.measured())
                }
                try BenchDatabase.empty(context.connection)
            }
        }
        context.report.end()
    }

    private static func faults(_ arguments: Arguments) throws -> [BrokerFault] {
        guard let text = arguments.value("--faults") else { return BrokerFault.allCases }
        let names = BrokerFault.allCases.map(\.rawValue)
        return try text.split(separator: ",").map { word in
            guard let fault = BrokerFault(rawValue: String(word)) else {
                throw CommandFailure.usage("there is no fault \"\(word)\"" + Suggestion.hint(String(word), names))
            }
            return fault
        }
    }
}
