internal import Clocks
internal import JSON

/// Reads definition files and collects every mistake instead of stopping at the first.
///
/// The shape of a file is checked by a JSON Schema (`DefinitionSchemas`), so an unknown key or a wrong type is found with its path; what a schema cannot
/// say (a cron expression, an example that must fit the payload's own schema) is checked here.
struct DefinitionReader {
    private(set) var mistakes: [DefinitionError.Mistake] = []
    private var seen: Set<String> = []
    /// The queues that files are there for, and those that kinds name, each with the file that says so: also of files with mistakes, whose mistakes would
    /// otherwise be told twice.
    private var queueFiles: [String: String] = [:]
    private var usedQueues: [(queue: String, file: String, field: String)] = []
    /// A kind's file does not say which queue it uses, so none can be called unused.
    private var hidesItsQueue = false

    mutating func mistake(_ file: String, _ field: String, _ message: String) {
        mistakes.append(DefinitionError.Mistake(file: file, field: field, message: message))
    }

    /// Checks that each kind has its queue and each queue a kind.
    mutating func match() {
        for (queue, file, field) in usedQueues where queueFiles[queue] == nil {
            mistake(file, field, "there is no file queues/\(queue).json" + Spelling.hint(for: queue, among: queueFiles.keys.sorted()))
        }
        guard !hidesItsQueue else { return }
        let used = Set(usedQueues.map(\.queue))
        for (queue, file) in queueFiles.sorted(by: { $0.key < $1.key }) where !used.contains(queue) {
            mistake(file, "/queue", "no kind uses this queue; only queues that have kinds exist")
        }
    }

    mutating func queue(file: String, text: String) -> QueueDefinition? {
        queueFiles[(try? JSONValue(parsing: text))?["queue"]?.string ?? Self.stem(file)] = file
        guard let document = document(file: file, text: text, schema: DefinitionSchemas.queue) else { return nil }
        guard let name = named("queue", document, file: file) else { return nil }
        let minimum = document["concurrency"]?["min"]?.integer ?? 1
        let maximum = document["concurrency"]?["max"]?.integer ?? minimum
        if maximum < minimum { mistake(file, "/concurrency/max", "must not be less than min, \(minimum)") }
        return QueueDefinition(
            queue: name, summary: document["summary"]?.string ?? "", prefetch: document["prefetch"]?.integer ?? 256,
            batch: document["batch"]?.integer ?? 32, minimumConcurrency: minimum, maximumConcurrency: maximum,
            deliveryLimit: document["deliveryLimit"]?.integer ?? 20, maximumLength: document["maxLength"]?.integer)
    }

    mutating func job(file: String, text: String) -> JobDefinition? {
        let queues = try? JSONValue(parsing: text)
        if let queue = queues?["queue"]?.string { usedQueues.append((queue, file, "/queue")) } else { hidesItsQueue = true }
        for (index, lane) in (queues?["lanes"]?.array ?? []).compactMap(\.string).enumerated() { usedQueues.append((lane, file, "/lanes/\(index)")) }
        guard let document = document(file: file, text: text, schema: DefinitionSchemas.job) else { return nil }
        guard let kind = named("kind", document, file: file) else { return nil }
        let payloadSource = document["payload"] ?? .object([:])
        let example = document["example"] ?? .object([:])
        let schema: JSONSchema
        do {
            schema = try JSONSchema(payloadSource)
        } catch {
            mistake(file, "/payload", String(describing: error))
            return nil
        }
        for violation in schema.validate(example) { mistake(file, "/example" + violation.path, violation.message) }
        let fields = payloadSource["properties"]?.object?.members.map(\.key) ?? []
        let unique = document["unique"].map { unique in
            JobDefinition.Uniqueness(
                by: unique["by"]?.array?.compactMap(\.string) ?? [],
                states: unique["states"]?.string.flatMap(JobDefinition.UniqueStates.init(rawValue:)) ?? .queued,
                window: duration(unique["window"], file, "/unique/window", atLeast: .milliseconds(1)))
        }
        for (index, field) in (unique?.by ?? []).enumerated() where !fields.contains(field) {
            mistake(file, "/unique/by/\(index)", "the payload has no field \"\(field)\"" + Spelling.hint(for: field, among: fields))
        }
        let style = document["style"]?.string.flatMap(JobDefinition.Style.init(rawValue:)) ?? .leased
        let limits = limits(document["limits"], fields: fields, style: style, file)
        var schedules: [JobDefinition.Schedule] = []
        for (index, entry) in (document["schedules"]?.array ?? []).enumerated() {
            guard let schedule = schedule(entry, schema, file, "/schedules/\(index)") else { continue }
            // The slot that fired last is kept by this name.
            if schedules.contains(where: { $0.name == schedule.name }) {
                mistake(file, "/schedules/\(index)/name", "two schedules of this kind are called \"\(schedule.name)\"")
            }
            schedules.append(schedule)
        }
        guard let backoff = backoff(document["backoff"], file) else { return nil }
        return JobDefinition(
            kind: kind, summary: document["summary"]?.string ?? "", handler: document["handler"]?.string ?? "",
            style: style,
            queue: document["queue"]?.string ?? "", lanes: document["lanes"]?.array?.compactMap(\.string) ?? [],
            maxAttempts: document["maxAttempts"]?.integer ?? 20,
            backoff: backoff, timeout: duration(document["timeout"], file, "/timeout", atLeast: .milliseconds(1)) ?? .seconds(30),
            priority: document["priority"]?.integer ?? 0, unique: unique, limits: limits, schedules: schedules,
            retentionDays: days(document["retention"], file), payloadSchema: schema,
            payloadSchemaSource: payloadSource, example: example)
    }

    private mutating func document(file: String, text: String, schema: JSONSchema) -> JSONValue? {
        let document: JSONValue
        do {
            document = try JSONValue(parsing: text)
        } catch {
            mistake(file, "", String(describing: error))
            return nil
        }
        let violations = schema.validate(document)
        for violation in violations { mistake(file, violation.path, violation.message) }
        return violations.isEmpty ? document : nil
    }

    /// The document's name, which must be the file's and not occur twice.
    private mutating func named(_ key: String, _ document: JSONValue, file: String) -> String? {
        guard let name = document[key]?.string else { return nil }
        if file != name + ".json" { mistake(file, "/" + key, "must be the file's name, \"\(Self.stem(file))\"") }
        if !seen.insert(key + ":" + name).inserted { mistake(file, "/" + key, "is defined twice") }
        return name
    }

    private mutating func schedule(_ entry: JSONValue, _ schema: JSONSchema, _ file: String, _ field: String) -> JobDefinition.Schedule? {
        let payload = entry["payload"] ?? .object([:])
        for violation in schema.validate(payload) { mistake(file, field + "/payload" + violation.path, violation.message) }
        let zone = entry["timeZone"]?.string ?? "UTC"
        do {
            _ = try TimeZoneRules.named(zone)
        } catch {
            mistake(file, field + "/timeZone", String(describing: error))
        }
        do {
            return JobDefinition.Schedule(
                name: entry["name"]?.string ?? "default", cron: try CronExpression(entry["cron"]?.string ?? ""), timeZone: zone,
                catchUp: entry["catchUp"]?.string.flatMap(JobDefinition.CatchUp.init(rawValue:)) ?? .latest, payload: payload)
        } catch {
            mistake(file, field + "/cron", String(describing: error))
            return nil
        }
    }

    private mutating func limits(
        _ value: JSONValue?, fields: [String], style: JobDefinition.Style, _ file: String
    ) -> JobDefinition.Limits? {
        guard let value, let field = value["by"]?.string else { return nil }
        if !fields.contains(field) {
            mistake(file, "/limits/by", "the payload has no field \"\(field)\"" + Spelling.hint(for: field, among: fields))
        }
        let concurrency = value["concurrency"]?.integer
        if concurrency == nil, value["rate"] == nil { mistake(file, "/limits", "must have a concurrency, a rate, or both") }
        var rate: JobDefinition.Rate?
        if let source = value["rate"] {
            if style == .atomic { mistake(file, "/limits/rate", "atomic kinds have no rates, only a concurrency") }
            let count = source["count"]?.integer ?? 1
            let per = duration(source["per"], file, "/limits/rate/per", atLeast: .milliseconds(1)) ?? .seconds(1)
            rate = JobDefinition.Rate(count: count, per: per, burst: source["burst"]?.integer ?? count)
        }
        return JobDefinition.Limits(by: field, concurrency: concurrency, rate: rate)
    }

    private mutating func backoff(_ value: JSONValue?, _ file: String) -> Backoff? {
        do {
            if let delays = value?["delays"]?.array {
                return try .delays(
                    delays.enumerated().compactMap { duration($0.element, file, "/backoff/delays/\($0.offset)") }, jitter: 0.1)
            }
            return try .exponential(
                base: duration(value?["base"], file, "/backoff/base") ?? .seconds(2), factor: value?["factor"]?.double ?? 2,
                cap: duration(value?["cap"], file, "/backoff/cap") ?? .seconds(900))
        } catch {
            mistake(file, "/backoff", String(describing: error))
            return nil
        }
    }

    private mutating func duration(_ value: JSONValue?, _ file: String, _ field: String, atLeast least: Duration = .zero) -> Duration? {
        guard let text = value?.string else { return nil }
        guard let duration = DurationText.parse(text) else {
            mistake(file, field, "must be a duration such as \"500ms\", \"30s\", \"15m\", \"24h\" or \"7d\", was \"\(text)\"")
            return nil
        }
        if duration < least { mistake(file, field, "must be at least \"\(DurationText.text(least))\"") }
        return duration
    }

    /// A partition of finished jobs holds a day, and ten years of them are more than a planner likes.
    private mutating func days(_ value: JSONValue?, _ file: String) -> Int {
        let retention = duration(value, file, "/retention", atLeast: .milliseconds(1)) ?? .seconds(7 * 86_400)
        if retention > .seconds(3660 * 86_400) { mistake(file, "/retention", "must be at most \"3660d\"") }
        return Int((min(retention, .seconds(3660 * 86_400)).components.seconds + 86_399) / 86_400)
    }

    private static func stem(_ file: String) -> String { file.hasSuffix(".json") ? String(file.dropLast(5)) : file }
}

extension JSONValue {
    fileprivate var integer: Int? { int.map(Int.init) }
}
