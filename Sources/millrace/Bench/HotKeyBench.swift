internal import JSON

/// What one key that is sent a hundred times more than its limit lets through does to all the others.
enum HotKeyBench: Benchmark {
    static let name = "hot-key"
    static let usage = """
        from the enqueuing commit to the handler's entry of jobs of many keys, alone, beside one more key that is sent far more than its limit, beside as many jobs for tomorrow, and as many of keys that are never full
            --rate 500  --seconds 10  --runs 3  --connections 4  --limit 10  --work 500  --times 100  --lead 3  --controls 1
            (--controls 0: alone and beside the hot key only; of each key --limit jobs at once; one of the hot key works for --work ms; it is sent --times what that lets through)
        """
    static let options = ["--rate", "--seconds", "--runs", "--connections", "--limit", "--work", "--times", "--lead", "--controls"]

    static func run(_ arguments: Arguments) throws {
        let numbers = [
            ("rate", try arguments.number("--rate", default: 500, least: 1)), ("seconds", try arguments.number("--seconds", default: 10, least: 1)),
            ("runs", try arguments.number("--runs", default: 3, least: 1)),
            ("connections", try arguments.number("--connections", default: 4, least: 1)),
            ("limit", try arguments.number("--limit", default: BenchKinds.keyLimit, least: 1)),
            ("work", try arguments.number("--work", default: 500, least: 1)), ("times", try arguments.number("--times", default: 100, least: 1)),
            ("lead", try arguments.number("--lead", default: 3)), ("controls", try arguments.number("--controls", default: 1)),
        ]
        let value = Dictionary(uniqueKeysWithValues: numbers)
        let limit = value["limit", default: 1]
        let context = try BenchContext(
            name, arguments, options: JSONObject(numbers.map { ($0.0, JSONValue.int(Int64($0.1))) }), keyLimit: limit)
        let series = HotKeySeries(
            context: context, rate: Double(value["rate", default: 1]), seconds: value["seconds", default: 1],
            connections: value["connections", default: 1], limit: limit, work: value["work", default: 1], times: value["times", default: 1],
            lead: value["lead", default: 0])
        let companies: [HotKeySeries.Company] = value["controls"] == 0 ? [.none, .hotKey] : [.none, .hotKey, .enqueued, .manyKeys]
        try context.withQueues {
            for number in 0..<value["runs", default: 1] {
                // There and back: what the machine does meanwhile meets all.
                for company in number % 2 == 0 ? companies : companies.reversed() { try series.round(company) }
            }
        }
        try series.end()
    }
}
