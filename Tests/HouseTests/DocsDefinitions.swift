internal import JSON

/// The tables of docs/concepts that are made from `jobs/` and `queues/`.
enum DocsDefinitions {
    static func kinds() throws -> String {
        let rows = try Tree.files(below: "jobs", ending: ".json").map { file -> [String] in
            let job = try JSONValue(parsing: file.text)
            return [
                code(job["kind"]), code(job["queue"]), text(job["style"]), text(job["maxAttempts"]), backoff(job["backoff"]), text(job["timeout"]),
                text(job["priority"] ?? 0), unique(job["unique"]), schedules(job["schedules"]), text(job["retention"]), text(job["summary"]),
            ]
        }
        return DocsBlock.table(
            ["kind", "queue", "style", "attempts", "backoff", "timeout", "priority", "unique by", "schedule", "kept", "what it does"], rows)
    }

    static func queues() throws -> String {
        let jobs = try Tree.files(below: "jobs", ending: ".json").map { try JSONValue(parsing: $0.text) }
        let rows = try Tree.files(below: "queues", ending: ".json").map { file -> [String] in
            let queue = try JSONValue(parsing: file.text)
            let kinds = jobs.filter { $0["queue"] == queue["queue"] }.map { code($0["kind"]) }
            return [
                code(queue["queue"]), kinds.joined(separator: ", "), text(queue["prefetch"] ?? 256), text(queue["batch"] ?? 32),
                "\(text(queue["concurrency"]?["min"] ?? 1))–\(text(queue["concurrency"]?["max"] ?? 1))", text(queue["deliveryLimit"] ?? 20),
                text(queue["summary"]),
            ]
        }
        return DocsBlock.table(["queue", "kinds", "prefetch", "batch", "concurrency", "delivery limit", "what it carries"], rows)
    }

    /// When each attempt of a webhook delivery is made.
    static func retries() throws -> String {
        let file = Tree.file("jobs/webhook.deliver.json")
        let delays = try JSONValue(parsing: file?.text ?? "{}")["backoff"]?["delays"]?.array?.compactMap(\.string) ?? []
        var since = 0
        var rows = [["1", "at once", "at once"]]
        for (index, delay) in delays.enumerated() {
            since += seconds(delay)
            rows.append(["\(index + 2)", spoken(seconds(delay)), spoken(since)])
        }
        return DocsBlock.table(["attempt", "after the one before", "after the first"], rows)
    }

    /// The fields of a definition file, as the engine's schema has them.
    static func fields(of name: String) throws -> [String] {
        let source = Tree.file("Sources/Engine/Definitions/DefinitionSchemas.swift")?.text ?? ""
        guard let start = source.firstRange(of: "static let \(name) = schema("), let open = source[start.upperBound...].firstRange(of: #"""""#),
            let close = source[open.upperBound...].firstRange(of: #"""""#)
        else { return [] }
        // The literal is no raw string: two backslashes of the source are one of the text.
        let schema = source[open.upperBound..<close.lowerBound].split(separator: #"\\"#, omittingEmptySubsequences: false).joined(separator: #"\"#)
        return try JSONValue(parsing: schema)["properties"]?.object?.members.map(\.key) ?? []
    }

    static func spoken(_ seconds: Int) -> String {
        let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")]
        return parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: " ")
    }

    private static func seconds(_ text: String) -> Int {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        return (Int(text.dropLast()) ?? 0) * (text.last.flatMap { units[$0] } ?? 0)
    }

    private static func backoff(_ value: JSONValue?) -> String {
        guard let value else { return "2s ×2 up to 15m" }
        if let delays = value["delays"]?.array { return delays.compactMap(\.string).joined(separator: ", ") }
        return "\(text(value["base"])) ×\(text(value["factor"] ?? 2)) up to \(text(value["cap"]))"
    }

    private static func unique(_ value: JSONValue?) -> String {
        guard let value else { return "" }
        let fields = value["by"]?.array?.map { code($0) } ?? []
        let states = value["states"]?.string == "queuedOrRunning" ? "queued or running" : "queued"
        return (fields.isEmpty ? "kind" : fields.joined(separator: ", ")) + ", " + states
    }

    private static func schedules(_ value: JSONValue?) -> String {
        (value?.array ?? []).map { "\(code($0["cron"])) \(text($0["timeZone"] ?? "UTC"))" }.joined(separator: ", ")
    }

    private static func code(_ value: JSONValue?) -> String { "`\(text(value))`" }

    private static func text(_ value: JSONValue?) -> String { value?.string ?? value?.int.map { "\($0)" } ?? value?.text ?? "" }
}
